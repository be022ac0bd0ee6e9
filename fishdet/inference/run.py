"""Everything that one command line names: pictures, then videos, then streams."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from fish_dataset.progress import counted, track
from fishdet.allocator import keep_freed_memory
from fishdet.errors import FishdetError

from . import journal as journals
from .crops import write_sheets
from .detector import Detector
from .frames import PATIENCE_S, FrameSource
from .inputs import ImageFile
from .predict import Outcome, OutputOptions, batches, predict_files
from .sources import Sources
from .video import VideoOptions, VideoOutcome, watch

UNKNOWN_LENGTH = 0


@dataclass(frozen=True)
class RunOptions:
    """What is written; see ``OutputOptions`` and ``VideoOptions``.

    Attributes:
        every: look at one frame of so many.
        draw: write videos with boxes.
        sheet: contact sheets of the crops, which are written then.
        patience: seconds for which a stream that broke off is waited for.
    """

    output: OutputOptions
    every: int = 1
    draw: bool = True
    sheet: bool = False
    patience: float = PATIENCE_S


@dataclass
class Report:
    """What a run did: pictures, the summary of each video by name, and what could not be read."""

    pictures: Outcome | None = None
    videos: dict[str, VideoOutcome] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    @property
    def counts(self) -> Counter[str]:
        """Fish on pictures by displayed class name."""
        return self.pictures.counts if self.pictures else Counter()


def run(detector: Detector, sources: Sources, options: RunOptions, console: Console) -> Report:
    """Look at all sources and write the results below ``options.output.out``.

    Pictures share that folder; each video and stream has a folder there, named like it. A broken
    picture or video is named in the report, and the rest goes on. The journals stay until all is
    done, so that a run that stops in its last video goes on there. A stream begins anew.

    Raises:
        FishdetError, FishDataError: a result cannot be written.
    """
    keep_freed_memory()  # every picture takes what the one before gave back
    report = Report()
    if sources.images:
        groups = batches(sources.images, detector.options.batch_size)
        tracked = track(groups, len(sources.images), console=console)
        report.pictures = predict_files(
            detector, tracked, replace(options.output, keep_journal=True)
        )
        report.broken += report.pictures.broken
    streams = [ImageFile(Path(one), f"stream_{n}") for n, one in enumerate(sources.streams, 1)]
    for video, address in zip(
        [*sources.videos, *streams],
        [*(str(video.path) for video in sources.videos), *sources.streams],
        strict=True,
    ):
        _watch_one(detector, video.name, address, options, report, console)
    for folder in ("", *report.videos):
        (options.output.out / folder / journals.FILE).unlink(missing_ok=True)
    if options.sheet:
        write_sheets(options.output.out)
    return report


def _watch_one(
    detector: Detector,
    name: str,
    address: str,
    options: RunOptions,
    report: Report,
    console: Console,
) -> None:
    try:
        source = FrameSource(
            address, options.every, options.patience, lambda text: console.print(text, markup=False)
        )
    except FishdetError as error:
        report.broken.append(str(error))
        return
    output = options.output
    settings: dict[str, Any] = {**output.settings, "every": options.every}
    folder = output.out / name
    wanted = VideoOptions(
        folder,
        draw=options.draw,
        crops=output.crops,
        resume=output.resume and not source.live,
        settings=settings,
        keep_journal=True,
    )
    if source.live:
        console.print(f"{name}: Ctrl-C ends it and writes the results", markup=False)
    with counted(source.total or UNKNOWN_LENGTH, f"{name} frames", console) as advance:
        outcome = watch(detector, source, wanted, advance)
    report.videos[name] = outcome
    if outcome.fault is not None:
        report.broken.append(outcome.fault)
