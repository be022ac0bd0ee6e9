"""What a user names on the command line: pictures, videos, lists of both, cameras and streams."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fish_dataset.formats.video import SUFFIXES as VIDEO_SUFFIXES
from fishdet.errors import FishdetError

from .inputs import SUFFIXES, ImageFile, find_images

STREAMS = ("rtsp://", "rtsps://", "rtmp://", "udp://", "tcp://", "http://", "https://")


@dataclass
class Sources:
    """Pictures and videos, sorted and each once; streams by address or number of the camera."""

    images: list[ImageFile] = field(default_factory=list)
    videos: list[ImageFile] = field(default_factory=list)
    streams: list[str] = field(default_factory=list)


def find_sources(inputs: Sequence[str], skip: Path | None = None) -> Sources:
    """Return what the inputs name.

    A number is a camera unless a file is called so, an address is a stream, a ``.txt`` file lists
    inputs, one a line (``#`` begins a comment); the rest are files, folders of any depth and
    patterns.

    Args:
        inputs: of the command line.
        skip: a folder that is not searched, such as that of the results.

    Raises:
        FishdetError: one of them names nothing.
    """
    named = [one for text in inputs for one in _listed(text)]
    streams = [text for text in named if is_stream(text)]
    paths = [text for text in named if not is_stream(text)]
    files = find_images(paths, skip, SUFFIXES | VIDEO_SUFFIXES) if paths else []
    videos = [file for file in files if file.path.suffix.lower() in VIDEO_SUFFIXES]
    images = [file for file in files if file.path.suffix.lower() not in VIDEO_SUFFIXES]
    return Sources(images, videos, streams)


def is_stream(text: str) -> bool:
    """Whether a text is an address of a stream or the number of a camera."""
    return text.startswith(STREAMS) or (text.isdigit() and not Path(text).exists())


def _listed(text: str) -> Iterator[str]:
    path = Path(text)
    if path.suffix.lower() != ".txt" or not path.is_file():
        yield text
        return
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise FishdetError(f"{path}: not readable as a list of files: {error}") from error
    named = [(number, line.strip()) for number, line in enumerate(lines, 1)]
    named = [(number, line) for number, line in named if line and not line.startswith("#")]
    if not named:
        raise FishdetError(f"{path}: the list names no files; write one a line")
    for number, line in named:
        if not (is_stream(line) or glob.has_magic(line) or Path(line).exists()):
            raise FishdetError(
                f"{path}, line {number}: {line}: there is no such file or folder; lines are looked "
                f"up from the current folder, {Path.cwd()}"
            )
        yield line
