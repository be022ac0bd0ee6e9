"""An evaluation as a table of plain text."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from fish_dataset.catalogue import display_name

from .report import CocoReport

_COLUMNS = ("images", "boxes", "detections", "AP", "AP50")


def format_table(report: CocoReport, lang: str | None = None) -> str:
    """Return a table of one row a species, a row over all, and a line of the further totals.

    Columns stay aligned with wide characters (Korean names take two cells each), and the text
    has no colours, so that it is the same in a terminal, a log file and a pasted message. It is
    valid Markdown. Undefined values (species without boxes) show as ``-``.

    Args:
        report: result of :func:`fishdet.evaluation.evaluate`.
        lang: ``'en'`` or ``'ko'`` shows species by their common name, None by their class name.
    """
    recall = [key for key in report.totals if re.fullmatch(r"bbox_AR_\d+", key)][-1]
    table = Table(box=box.MARKDOWN)
    table.add_column("species", no_wrap=True)
    for column in (*_COLUMNS, recall.removeprefix("bbox_").replace("_", "")):
        table.add_column(column, justify="right", no_wrap=True)
    for row in report.per_class:
        counts = (row["images"], row["boxes"], row["detections"])
        table.add_row(
            *_cells(_name(row["name"], lang), counts, (row["AP"], row["AP50"], row["AR"]))
        )
    counts = (report.num_images, report.num_boxes, report.num_detections)
    scores = (report.totals["bbox_mAP"], report.totals["bbox_mAP_50"], report.totals[recall])
    table.add_row(*_cells("(all)", counts, scores))
    return f"{_render(table)}\n{_further(report.totals)}"


def _cells(name: str, counts: Sequence[int], scores: Sequence[float]) -> list[str]:
    return [name, *map(str, counts), *map(_number, scores)]


def _further(totals: dict[str, float]) -> str:
    shown = ("bbox_mAP", "bbox_mAP_50")  # stand in the table already
    return "  ".join(
        f"{key.removeprefix('bbox_')} {_number(value)}"
        for key, value in totals.items()
        if key not in shown
    )


def _name(name: str, lang: str | None) -> str:
    return name if lang is None else display_name(name, lang)


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _render(table: Table) -> str:
    out = io.StringIO()
    # a width that no table reaches: a narrow terminal must not cut names or numbers
    console = Console(
        file=out, width=10_000, color_system=None, force_terminal=False, markup=False, emoji=False
    )
    console.print(table)
    # rich puts a line of spaces where the Markdown box has no upper and lower edge
    return "\n".join(line for line in out.getvalue().splitlines() if line.strip())
