"""Look at a video: who is in each frame, which fish is which, how many of each species."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import supervision as sv

from fish_dataset.files import require_writable, write_json

from . import journal as journals
from .counts import COLUMNS, Counts
from .files import growing, write_table
from .frames import Frame, FrameSource
from .journal import Journal
from .names import Names
from .options import DetectionOptions
from .results import from_plain, to_plain
from .tracking import Tracked, Tracker
from .video_files import (
    TrackCrops,
    draw_frame,
    drawn_video,
    summary_json,
    write_head,
    write_rows,
)
from .writers.rows import IDENTIFIED

TRACKS = ("track", "first_seconds", "last_seconds", "frames", *IDENTIFIED)
"""Columns of ``tracks.csv``."""


class TrackNames(Protocol):
    """What names each fish from all its frames: ``fishdet.identification.tracks``."""

    def update(self, tracked: Tracked, seconds: float) -> Tracked:
        """Return the fish of the next frame, named from all their frames so far."""
        ...

    def rows(self) -> list[list[Any]]:
        """Return the values of ``TRACKS`` of each fish."""
        ...


class FrameDetector(Protocol):
    """What is needed of a detector here; one with ``track_names()`` names fish from a gallery."""

    catalogue_names: Names
    thresholds: np.ndarray
    options: DetectionOptions

    def predict(self, images: list[np.ndarray]) -> list[sv.Detections]:
        """Return the detections of images, uint8 BGR (H, W, 3)."""
        ...


@dataclass(frozen=True)
class VideoOptions:
    """What is written of a video.

    Attributes:
        out: the folder of this video.
        draw: write the video with boxes.
        crops: the best picture of each tracked fish.
        resume: go on where a run with the same settings stopped.
        settings: what the results depend on, for the journal.
        keep_journal: leave the journal at the end too: the run goes on with other files.
    """

    out: Path
    draw: bool = True
    crops: bool = False
    resume: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    keep_journal: bool = False


@dataclass(frozen=True)
class VideoOutcome:
    """Frames looked at, rows of ``counts.COLUMNS`` by species, and what was wrong with the file."""

    frames: int
    rows: list[list[Any]]
    fault: str | None = None


def watch(
    detector: FrameDetector,
    source: FrameSource,
    options: VideoOptions,
    advance: Callable[[int], None] = lambda done: None,
) -> VideoOutcome:
    """Detect, track and count in a video, frame by frame, in constant memory.

    Below ``options.out``: ``annotated.mp4``, ``frames.csv`` (a row a fish and frame),
    ``frames.jsonl`` (a line a frame), ``summary.csv`` and ``summary.json``; of an ``Identifier``
    also ``tracks.csv``, a row a fish, named from all its frames. Detections are kept in
    a journal. A run that goes on decodes the video from its start again, takes the detections that
    the journal has, and so ends with the same files as one that was never stopped. Ctrl-C ends a
    camera or a stream, and its results are written.

    Args:
        detector: finds fish on frames.
        source: gives the frames.
        options: what is written where.
        advance: called with the number of frames just finished.

    Raises:
        FishdetError, FishDataError: a file cannot be written.
    """
    require_writable(options.out, "--out")
    journal = Journal(options.out / journals.FILE, options.settings, options.resume)
    least = float(detector.thresholds.min())
    tracker = Tracker(detector.catalogue_names, source.fps, source.size, least)
    counts, crops = Counts(), TrackCrops(options.out) if options.crops else None
    pooling = getattr(detector, "track_names", None)
    fish: TrackNames | None = pooling() if pooling is not None else None
    try:
        with ExitStack() as stack:
            write = _writer(source, options, crops, stack)
            for frame, duration, tracked in _followed(detector, source, journal, tracker):
                if fish is not None:
                    tracked = fish.update(tracked, frame.seconds)
                counts.add(frame.index, frame.seconds, duration, tracked.detections.class_id)
                write(frame, tracked)
                advance(1)
        if crops is not None:
            crops.finish(_named(tracker, detector.catalogue_names))
        if fish is not None:
            write_table(options.out / "tracks.csv", TRACKS, fish.rows())
        outcome = _summarise(source, options, counts, tracker, detector.catalogue_names)
    except BaseException:
        journal.close()
        raise
    journal.close(remove=not options.keep_journal)
    return outcome


def _followed(
    detector: FrameDetector, source: FrameSource, journal: Journal, tracker: Tracker
) -> Iterator[tuple[Frame, float, Tracked]]:
    """Each frame with how long it stands and its fish."""
    before = None
    try:
        for frame, found in _detected(detector, source, journal):
            duration = 1 / source.fps
            if frame.gap:
                tracker.forget()
            elif source.live and before is not None:
                duration = frame.seconds - before
            before = frame.seconds
            yield frame, duration, tracker.update(found)
    except KeyboardInterrupt:
        if not source.live:
            raise


def _detected(
    detector: FrameDetector, source: FrameSource, journal: Journal
) -> Iterator[tuple[Frame, sv.Detections]]:
    """Each frame with its detections: the journal's as far as it goes, then the detector's."""
    frames, names = iter(source), detector.catalogue_names
    for record in journal.records():
        frame = next(frames, None)
        if frame is None:
            return
        yield frame, from_plain(record, names)
    while batch := list(islice(frames, 1 if source.live else detector.options.batch_size)):
        found = detector.predict([frame.image for frame in batch])
        for one in found:
            journal.append(to_plain(one))
        yield from zip(batch, found, strict=True)


def _writer(
    source: FrameSource, options: VideoOptions, crops: TrackCrops | None, stack: ExitStack
) -> Callable[[Frame, Tracked], None]:
    out = options.out
    table = stack.enter_context(growing(out / "frames.csv"))
    lines = stack.enter_context(growing(out / "frames.jsonl"))
    identified = bool(options.settings.get("gallery"))
    write_head(table, identified)
    video = None
    if options.draw:
        video = stack.enter_context(drawn_video(out / "annotated.mp4", source.size, source.fps))

    def write(frame: Frame, tracked: Tracked) -> None:
        write_rows(table, lines, frame, tracked, identified)
        if crops is not None:
            crops.add(frame, tracked)
        if video is not None:
            video.write(draw_frame(frame, tracked))

    return write


def _summarise(
    source: FrameSource, options: VideoOptions, counts: Counts, tracker: Tracker, names: Names
) -> VideoOutcome:
    rows = list(counts.rows(names.class_name.tolist(), tracker.species()))
    write_table(options.out / "summary.csv", COLUMNS, rows)
    told = {
        "source": Path(source.address).name if not source.live else "live",
        "frames": counts.frames,
        "seconds": round(counts.seconds, 3),
        "fps": source.fps,
    }
    write_json(options.out / "summary.json", summary_json(rows, COLUMNS, told))
    return VideoOutcome(counts.frames, rows, source.shortfall())


def _named(tracker: Tracker, names: Names) -> dict[int, str]:
    return {number: str(names.class_name[label]) for number, label in tracker.species().items()}
