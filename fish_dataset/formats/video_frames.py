"""Frames that annotations name by video and number, taken out of the videos in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fish_dataset.errors import FishDataError
from fish_dataset.formats.builder import Builder
from fish_dataset.formats.video import frame_size, list_videos, take_frames
from fish_dataset.progress import track


@dataclass(frozen=True)
class Shot:
    """One frame of a video, counted from 0."""

    video: Path
    frame: int


class Shots:
    """Gathers the frames that are wanted, and takes them.

    Args:
        folders: Where videos are looked for.
        frames: An empty folder for the pictures; None where nothing may be written.
    """

    def __init__(self, folders: Sequence[Path], frames: Path | None) -> None:
        self._folders, self._frames = folders, frames
        self._by_stem: dict[str, list[Path]] | None = None
        self._wanted: dict[Path, dict[int, Path]] = {}

    @property
    def by_stem(self) -> dict[str, list[Path]]:
        """Videos by file name without ending."""
        if self._by_stem is None:
            self._by_stem = {}
            for path in dict.fromkeys(p for folder in self._folders for p in list_videos(folder)):
                self._by_stem.setdefault(path.stem, []).append(path)
        return self._by_stem

    def ask(self, stem: str, frame: int, name: str) -> Shot | None:
        """Notes that a frame is wanted as picture ``name``; None where no video, or more than one,
        is called ``stem``, or where the number is below 0."""
        videos = self.by_stem.get(stem, [])
        if len(videos) != 1 or frame < 0:
            return None
        self._wanted.setdefault(videos[0], {})[frame] = Path(name)
        return Shot(videos[0], frame)

    def take(self, builder: Builder) -> dict[Shot, tuple[Path, tuple[int, int]]]:
        """The pictures of all frames asked for, with their size; those past the end of their video
        are missing.

        Raises:
            FishDataError: frames are needed and there is no folder for them, or what
                ``take_frames`` raises.
        """
        if not self._wanted:
            return {}
        total = sum(map(len, self._wanted.values()))
        if self._frames is None:
            raise FishDataError(
                f"{total} pictures have to be taken from {len(self._wanted)} videos (the first is "
                f"{next(iter(self._wanted))}), which a dry run does not do; run without --dry-run"
            )
        taken = {}
        for video, wanted in track(self._wanted.items(), len(self._wanted), "videos"):
            size = frame_size(video)
            # One folder a video: frames of two videos may have one name.
            paths = {frame: self._frames / video.stem / name for frame, name in wanted.items()}
            for frame in take_frames(video, paths):
                taken[Shot(video, frame)] = (paths[frame], size)
        builder.note(f"{len(taken)} pictures were taken from {len(self._wanted)} videos as JPEG")
        if len(taken) < total:
            builder.count("frame lies past the end of its video", total - len(taken))
        return taken
