"""What whoever runs the service decides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fishdet.errors import FishdetError


@dataclass(frozen=True)
class Settings:
    """Limits and switches of the service.

    Attributes:
        max_images: pictures of one request.
        max_bytes: of one request's body.
        max_pixels: of one picture, width × height.
        queue_images: pictures that are decoded, wait or are looked at, of all requests.
        queue_pixels: the same in pixels, which bounds the memory (3 bytes a pixel).
        batch_size: pictures that the network looks at together, at most.
        timeout_s: seconds that a request may take to arrive, and again to be answered.
        rate: requests a minute of one client; 0: no limit.
        api_keys: SHA-256 (hex) of each key that opens the API; empty: it is open.
        origins: web pages of other hosts that may ask (CORS), such as 'https://fish.example'.
        feedback: SQLite file for corrections; None: none are taken.
        enrol: add what a correction names to the gallery at once; whoever may ask then changes
            what the service says.
        feedback_bytes: its size from which on no more are taken.

    Raises:
        FishdetError: a value out of its range.
    """

    max_images: int = 8
    max_bytes: int = 25 * 2**20
    max_pixels: int = 50_000_000
    queue_images: int = 32
    queue_pixels: int = 200_000_000
    batch_size: int = 4
    timeout_s: float = 30.0
    rate: float = 120.0
    api_keys: frozenset[str] = frozenset()
    origins: tuple[str, ...] = ()
    feedback: Path | None = None
    enrol: bool = False
    feedback_bytes: int = 2 * 2**30

    def __post_init__(self) -> None:
        least = ("max_images", "max_bytes", "max_pixels", "queue_images", "queue_pixels")
        for name in (*least, "batch_size", "feedback_bytes"):
            if getattr(self, name) < 1:
                raise FishdetError(f"{name} {getattr(self, name)}: at least 1")
        if not self.timeout_s > 0 or not self.rate >= 0:
            raise FishdetError(f"timeout_s {self.timeout_s}, rate {self.rate}: above 0, from 0 on")
        if self.queue_images < self.max_images or self.queue_pixels < self.max_pixels:
            raise FishdetError(
                f"the queue (queue_images {self.queue_images}, queue_pixels {self.queue_pixels}) "
                f"is smaller than one request (max_images {self.max_images}, max_pixels "
                f"{self.max_pixels}); raise it or lower the request's limits"
            )
        if self.enrol and self.feedback is None:
            raise FishdetError("--enrol-corrections needs --feedback FILE, which takes corrections")
        if "*" in self.origins:
            raise FishdetError("origins '*': name the pages that may ask, https://fish.example")
