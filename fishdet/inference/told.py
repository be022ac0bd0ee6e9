"""What a command line says at its end: fish by species, where the results are, broken files."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from fish_dataset.wording import number_of

from .detector import Detector
from .run import Report
from .writers import FORMATS

DRAWN_ONLY = (
    "This model has seen drawn fish only, so what it says of photos means little; "
    "train one on photos: python tools/train.py CONFIG --data FOLDER"
)


def print_limits(detector: Detector, console: Console) -> None:
    """Say what runs the model and what would be faster, and where it knows drawn fish alone."""
    console.print(f"Runs on {detector.engine}.", markup=False, soft_wrap=True)
    if detector.faster:
        console.print(f"Faster: {detector.faster}", markup=False, soft_wrap=True)
    if detector.drawn_only:
        console.print(DRAWN_ONLY, soft_wrap=True)


def print_report(done: Report, options: argparse.Namespace, console: Console) -> None:
    """Print the number of fish by species, where the results are, and the broken files."""
    if done.pictures is not None:
        table = Table("species", "count")
        for name, count in done.counts.most_common():
            table.add_row(name, str(count))
        if done.pictures.pictures:
            console.print(table if table.row_count else "No fish above the score threshold.")
        where = ", ".join(str(options.out / FORMATS[kind]) for kind in options.format)
        text = (
            f"{number_of(done.pictures.pictures, 'picture')} in {options.out}, results in {where}"
        )
        console.print(text, markup=False, soft_wrap=True)
        if "dwc" in options.format and done.pictures.nameless:
            console.print(f"Fish of classes without a scientific name: {done.pictures.nameless}")
    for name, video in done.videos.items():
        table = Table("species", "MaxN", "at s", "s in frame", "tracks", title=name)
        for row in video.rows:
            table.add_row(row[0], *(str(row[index]) for index in (1, 3, 4, 9)))
        console.print(table if table.row_count else f"{name}: no fish above the score threshold.")
        frames = number_of(video.frames, "frame")
        console.print(f"{frames}, results in {options.out / name}", markup=False)
    if done.broken:
        print(f"{number_of(len(done.broken), 'file')} could not be read:", file=sys.stderr)
        print("\n".join(done.broken), file=sys.stderr)


def print_bulk(summary: dict[str, Any], options: argparse.Namespace, console: Console) -> None:
    """Print what a run of ``--engine ray`` has left, how fast it was and what more would take."""
    table = Table(show_header=False)
    for name, value in summary.items():
        table.add_row(name.replace("_", " "), f"{value:,}")
    console.print(table)
    console.print(f"Results: {options.out}/pictures/*.parquet", markup=False, soft_wrap=True)
