"""How a detector looks at a picture and what it keeps."""

from __future__ import annotations

from dataclasses import dataclass

from fishdet.errors import FishdetError

from .thresholds import DEFAULT, Threshold
from .tiling import Tiling

ONE_FISH_IOU = 0.7  # a fish that was found under two names is one


@dataclass(frozen=True)
class DetectionOptions:
    """Choices that change what is found.

    Attributes:
        score_thr: least score, for all classes or by class name; see ``thresholds_for``.
        agnostic_nms: IoU above which the less sure of two boxes of any two species is dropped;
            None: species do not compete.
        flip: look at the mirror image too.
        tile: side of tiles in pixels for large pictures; None: the picture as a whole.
        tile_overlap: how much tiles overlap, of their side.
        batch_size: pictures (or tiles) of one size that run at once, at most.

    Raises:
        FishdetError: a value out of its range.
    """

    score_thr: Threshold = DEFAULT
    agnostic_nms: float | None = None
    flip: bool = False
    tile: int | None = None
    tile_overlap: float = 0.2
    batch_size: int = 4

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise FishdetError(f"batch_size {self.batch_size}: at least 1")
        if self.agnostic_nms is not None and not 0 < self.agnostic_nms <= 1:
            raise FishdetError(f"agnostic_nms {self.agnostic_nms}: an IoU above 0, up to 1")
        _ = self.tiling

    @property
    def tiling(self) -> Tiling | None:
        """Where tiles lie, or None for whole pictures."""
        return None if self.tile is None else Tiling(self.tile, self.tile_overlap)
