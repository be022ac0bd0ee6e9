"""Frames of a video file, a camera or a stream, one at a time."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from fish_dataset.quiet import quiet_decoders
from fishdet.errors import FishdetError

from .sources import is_stream

FALLBACK_FPS = 25.0
COMPLETE = 0.98  # of the frames that the file announces; containers round
PATIENCE_S = 30.0
SILENT_S = 10  # a stream that says nothing for so long has broken off
RETRY_S = 1.0
TIMED = ("rtsp://", "rtsps://", "rtmp://")


@dataclass(frozen=True)
class Frame:
    """A frame: its number from 0, its time in seconds, its pixels uint8 BGR (H, W, 3), and whether
    the stream had broken off before it."""

    index: int
    seconds: float
    image: np.ndarray
    gap: bool = False


class FrameSource:
    """A video that is read from its start, frame by frame.

    Args:
        address: a file, the number of a camera, or an address of a stream.
        every: give one frame of so many.
        patience: seconds for which a camera or stream that breaks off is waited for; 0: it has
            ended then, as does one that announces its length, such as a file on a web server.
        tell: is told of such a wait.

    Attributes:
        name: the address without user and password.
        size: (width, height) in pixels.
        fps: frames a second that are given; of a stream that does not say 25 / ``every``.
        total: how many frames will be given, None where nobody knows.
        live: whether it is a camera or a stream.

    Raises:
        FishdetError: it cannot be opened.
    """

    def __init__(
        self,
        address: str,
        every: int = 1,
        patience: float = PATIENCE_S,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        if every < 1:
            raise FishdetError(f"--every {every}: at least 1")
        if not patience >= 0:
            raise FishdetError(f"--reconnect {patience:g}: seconds, 0 or more")
        self.address, self.every, self.live = address, every, is_stream(address)
        self.name = without_password(address)
        self._patience, self._tell = patience, tell
        self._fault: str | None = None
        self._reader = self._open()
        if not self._reader.isOpened():
            raise FishdetError(f"{self.name}: {_why(self.live)}")
        get = self._reader.get
        self.size = self._size()
        rate = get(cv2.CAP_PROP_FPS)
        self._rate = rate if 0 < rate < 1000 else FALLBACK_FPS
        self.fps = self._rate / every
        announced = int(get(cv2.CAP_PROP_FRAME_COUNT))
        self._endless = self.live and announced <= 0
        self._announced = announced if announced > 0 and not self.live else None
        self.total = None if self._announced is None else -(-self._announced // every)

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; the time of a file follows from its frame rate, that of a stream from
        its own clock where it has one, else from arrival."""
        index, lost, clock = 0, None, _Clock(self.address)
        try:
            while True:
                if not self._reader.grab():
                    lost = self._lost(index) if lost is None else lost
                    if not self._comes_back(index, lost):
                        break
                    continue
                seconds = index / self._rate
                if self.live:
                    seconds = clock(self._reader.get(cv2.CAP_PROP_POS_MSEC) / 1000)
                if index % self.every == 0:
                    good, image = self._reader.retrieve()
                    if not good:
                        break
                    yield Frame(index, seconds, image, lost is not None)
                    lost = None
                index += 1
        finally:
            self._reader.release()
        self._read = index

    def _lost(self, index: int) -> float:
        """Return when a stream broke off: now."""
        if self._endless and self._patience:
            self._tell(f"{self.name}: broke off after {index} frames; waiting for it")
        return time.monotonic()

    def _comes_back(self, index: int, lost: float) -> bool:
        """Open a stream that broke off again; whether it is there as before."""
        if not self._endless or not self._patience:
            return False
        while (left := lost + self._patience - time.monotonic()) > 0:
            time.sleep(min(RETRY_S, left))
            self._reader = self._open()
            if self._reader.isOpened():
                return self._is_as_before(index)
        back = f"and did not come back within {self._patience:g} s (--reconnect)"
        self._fault = f"{self.name}: the stream broke off after {index} frames {back}"
        return False

    def _is_as_before(self, index: int) -> bool:
        size = self._size()
        if size != self.size:
            now = f"{size[0]}x{size[1]} pixels in place of {self.size[0]}x{self.size[1]}"
            self._fault = (
                f"{self.name}: the stream came back after {index} frames with {now}; start anew"
            )
        return size == self.size

    def _open(self) -> cv2.VideoCapture:
        if not self.live:
            return cv2.VideoCapture(self.address)
        with quiet_decoders():  # FFmpeg writes lines of its own where nobody answers
            return self._open_stream()

    def _open_stream(self) -> cv2.VideoCapture:
        if self.address.isdigit():
            return cv2.VideoCapture(int(self.address))
        waits = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, cv2.CAP_PROP_READ_TIMEOUT_MSEC)
        limits = [value for one in waits for value in (one, 1000 * SILENT_S)]
        return cv2.VideoCapture(self.address, cv2.CAP_FFMPEG, limits)

    def _size(self) -> tuple[int, int]:
        get = self._reader.get
        return int(get(cv2.CAP_PROP_FRAME_WIDTH)), int(get(cv2.CAP_PROP_FRAME_HEIGHT))

    def shortfall(self) -> str | None:
        """Return what is missing of the file or stream once it was read, or None."""
        if self._fault is not None:
            return self._fault
        if self._announced is None or self._read >= COMPLETE * self._announced:
            return None
        return (
            f"{self.address}: ends after {self._read} of {self._announced} frames: cut short or "
            "damaged; what is before is in the results"
        )


class _Clock:
    """Seconds of a camera or stream: those of arrival, or, of a stream whose frames carry times,
    of these, since whoever reads slowly gets its frames late."""

    def __init__(self, address: str) -> None:
        self._timed = address.startswith(TIMED)
        self._began, self._stamp, self._seconds = time.monotonic(), 0.0, -1.0

    def __call__(self, stamp: float) -> float:
        """Return the time of a frame that came now and carries ``stamp``, in seconds."""
        step, self._stamp = stamp - self._stamp, stamp
        if self._timed and self._seconds >= 0 and 0 < step < SILENT_S:
            self._seconds += step
        else:
            self._seconds = max(self._seconds, time.monotonic() - self._began)
        return self._seconds


def without_password(address: str) -> str:
    """Return an address of a stream without the user and password in it."""
    return re.sub(r"(?<=://)[^/@]*@", "", address)


def _why(live: bool) -> str:
    if live:
        return "no such camera or stream, or it does not answer"
    return "not a video that OpenCV reads, or a damaged one"
