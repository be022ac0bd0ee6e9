"""Frames of a video file, a camera or a stream, one at a time."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from fishdet.errors import FishdetError

from .sources import is_stream

FALLBACK_FPS = 25.0
COMPLETE = 0.98  # of the frames that the file announces; containers round


@dataclass(frozen=True)
class Frame:
    """A frame: its number from 0, its time in seconds, its pixels uint8 BGR (H, W, 3)."""

    index: int
    seconds: float
    image: np.ndarray


class FrameSource:
    """A video that is read from its start, frame by frame.

    Args:
        address: a file, the number of a camera, or an address of a stream.
        every: give one frame of so many.

    Attributes:
        size: (width, height) in pixels.
        fps: frames a second that are given; of a stream that does not say 25 / ``every``.
        total: how many frames will be given, None where nobody knows.
        live: whether it is a camera or a stream.

    Raises:
        FishdetError: it cannot be opened.
    """

    def __init__(self, address: str, every: int = 1) -> None:
        if every < 1:
            raise FishdetError(f"--every {every}: at least 1")
        self.address, self.every, self.live = address, every, is_stream(address)
        camera = int(address) if self.live and address.isdigit() else None
        self._reader = cv2.VideoCapture(address if camera is None else camera)
        if not self._reader.isOpened():
            raise FishdetError(f"{without_password(address)}: {_why(self.live)}")
        get = self._reader.get
        self.size = int(get(cv2.CAP_PROP_FRAME_WIDTH)), int(get(cv2.CAP_PROP_FRAME_HEIGHT))
        rate = get(cv2.CAP_PROP_FPS)
        self._rate = rate if 0 < rate < 1000 else FALLBACK_FPS
        self.fps = self._rate / every
        announced = int(get(cv2.CAP_PROP_FRAME_COUNT))
        self._announced = announced if announced > 0 and not self.live else None
        self.total = None if self._announced is None else -(-self._announced // every)

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; of a file the time follows from the frame rate, of a stream it is that
        of arrival."""
        index, began = 0, time.monotonic()
        try:
            while self._reader.grab():
                if index % self.every == 0:
                    good, image = self._reader.retrieve()
                    if not good:
                        break
                    seconds = time.monotonic() - began if self.live else index / self._rate
                    yield Frame(index, seconds, image)
                index += 1
        finally:
            self._reader.release()
        self._read = index

    def shortfall(self) -> str | None:
        """Return what is missing of the file once it was read, or None."""
        if self._announced is None or self._read >= COMPLETE * self._announced:
            return None
        return (
            f"{self.address}: ends after {self._read} of {self._announced} frames: cut short or "
            "damaged; what is before is in the results"
        )


def without_password(address: str) -> str:
    """Return an address of a stream without the user and password in it."""
    return re.sub(r"(?<=://)[^/@]*@", "", address)


def _why(live: bool) -> str:
    if live:
        return "no such camera or stream, or it does not answer"
    return "not a video that OpenCV reads, or a damaged one"
