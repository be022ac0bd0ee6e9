"""Single frames of a video as pictures."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import cv2

from fish_dataset.errors import FishDataError

SUFFIXES = frozenset(
    {".avi", ".mp4", ".mov", ".mkv", ".m4v", ".mpg", ".mpeg", ".webm", ".wmv", ".flv"}
)
JPEG_QUALITY = 95


def list_videos(folder: Path) -> list[Path]:
    """Every video under ``folder``, sorted. Links are not followed."""
    found = []
    for here, folders, names in os.walk(folder):
        folders.sort()
        suffixes = [(name, os.path.splitext(name)[1].lower()) for name in sorted(names)]
        found += [Path(here, name) for name, suffix in suffixes if suffix in SUFFIXES]
    return found


def frame_size(video: Path) -> tuple[int, int]:
    """(width, height) of a video's frames in pixels.

    Raises:
        FishDataError: OpenCV cannot open it.
    """
    reader = _open(video)
    try:
        return int(reader.get(cv2.CAP_PROP_FRAME_WIDTH)), int(reader.get(cv2.CAP_PROP_FRAME_HEIGHT))
    finally:
        reader.release()


def take_frames(video: Path, wanted: Mapping[int, Path]) -> set[int]:
    """Writes frames as JPEG (quality 95).

    The video is read from its start: jumping to a frame number lands beside it in many codecs.

    Args:
        video: The file.
        wanted: Picture to write by frame number, counted from 0.

    Returns:
        The frames that were written; the others lie past the end, or cannot be decoded.

    Raises:
        FishDataError: OpenCV cannot open the video, or a picture cannot be written.
    """
    done: set[int] = set()
    reader = _open(video)
    try:
        for number in range(max(wanted, default=-1) + 1):
            if not reader.grab():
                break
            if number in wanted:
                good, pixels = reader.retrieve()
                if good:
                    _write(wanted[number], pixels)
                    done.add(number)
    finally:
        reader.release()
    return done


def _open(video: Path) -> cv2.VideoCapture:
    reader = cv2.VideoCapture(str(video))
    if not reader.isOpened():
        raise FishDataError(f"{video}: OpenCV cannot open this video; is it whole?")
    return reader


def _write(path: Path, pixels: cv2.typing.MatLike) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FishDataError(f"{path.parent}: cannot be made: {error.strerror or error}") from error
    if not cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]):
        raise FishDataError(f"{path}: cannot be written; is the disk full?")
