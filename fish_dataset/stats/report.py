"""An overview on the terminal, as JSON and as a page."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table as RichTable

from fish_dataset.errors import FishDataError
from fish_dataset.files import write_json
from fish_dataset.output import output_folder

from .boxes import classes_for, size_counts
from .overview import Overview, Sizes, class_rows
from .page import write_page
from .words import told


def as_json(overview: Overview) -> dict[str, Any]:
    """The numbers as JSON data."""
    boxes, shades = overview.boxes, overview.light
    per_image = boxes.per_image
    images = np.bincount(boxes.split_of_image, minlength=len(boxes.splits)).tolist()
    document: dict[str, Any] = {
        "data": str(overview.data_dir),
        "images": dict(zip(boxes.splits, images, strict=True)),
        "boxes": len(boxes.image),
        "ignored_boxes": boxes.left_out,
        "images_without_boxes": int((per_image == 0).sum()),
        "most_boxes_in_an_image": int(per_image.max(initial=0)),
        "classes": class_rows(overview),
        "classes_with_90_percent": classes_for(boxes.counts().sum(1)),
        "sizes": size_counts(boxes),
    }
    if overview.notes:
        document["not_counted"] = list(overview.notes)
    if overview.sizes is not None:
        document["suggestions"] = _suggestions(overview.sizes)
    if shades is not None:
        document["light"] = {
            "images_measured": len(shades.rows),
            "unreadable": shades.unreadable,
            "brightness": _quartiles(shades.brightness),
            "contrast": _quartiles(shades.contrast),
            **{f"{name}_over_mean": _quartiles(shades.cast[:, channel])
               for channel, name in enumerate(("blue", "green", "red"))},
        }  # fmt: skip
    return document


def _suggestions(found: Sizes) -> dict[str, Any]:
    return {
        "image_scale": asdict(found.scale),
        "anchors_for_side": found.side,
        "anchors": found.clusters.round(1).tolist(),
        "anchors_fit": asdict(found.cluster_fit),
        "generator_default": asdict(found.default),
        "generator_suggested": asdict(found.suggested),
    }


def _quartiles(values: np.ndarray) -> list[float] | None:
    good = values[np.isfinite(values)]
    return np.percentile(good, (25, 50, 75)).round(3).tolist() if len(good) else None


def print_overview(overview: Overview, console: Console | None = None) -> None:
    """Classes, and what the sizes suggest, on the terminal."""
    console = console or Console()
    boxes = overview.boxes
    table = RichTable(title=str(overview.data_dir), title_justify="left")
    table.add_column("class")
    table.add_column("English")
    table.add_column("한국어")
    for column in (*boxes.splits, "images", "median size"):
        table.add_column(column, justify="right")
    for row in class_rows(overview):
        size = f"{row['median_width']:.0f} × {row['median_height']:.0f}" if row["images"] else "–"
        numbers = [str(count) for count in row["boxes"].values()]
        table.add_row(
            row["name"], row["english"], row["korean"], *numbers, str(row["images"]), size
        )
    console.print(table)
    for line in told(overview):
        console.print(line, markup=False, highlight=False)


def write_overview(overview: Overview, out: str | os.PathLike) -> Path:
    """Write ``stats.json`` and ``stats.html`` into the folder ``out``; the page's path.

    Raises:
        FishDataError: the folder cannot be made or written to, or lies in the data folder.
    """
    folder = output_folder(out, overview.data_dir)
    try:
        write_json(folder / "stats.json", as_json(overview))
    except OSError as error:
        raise FishDataError(f"{folder}: cannot be written: {error.strerror or error}") from error
    write_page(overview, folder / "stats.html")
    return folder / "stats.html"
