"""An evaluation as a table of plain text."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from fish_dataset.catalogue import display_name

from .intervals import Intervals
from .report import CocoReport

_COLUMNS = ("images", "boxes", "detections", "AP", "AP50")


def format_table(
    report: CocoReport, lang: str | None = None, intervals: Intervals | None = None
) -> str:
    """Return a table of one row a species, a row over all, and a line of the further totals.

    Columns stay aligned with wide characters (Korean names take two cells each), and the text
    has no colours, so that it is the same in a terminal, a log file and a pasted message. It is
    valid Markdown. Undefined values (species without boxes) show as ``-``.

    Args:
        report: result of :func:`fishdet.evaluation.evaluate`.
        lang: ``'en'`` or ``'ko'`` shows species by their common name, None by their class name.
        intervals: where given, AP and others read ``0.564 [0.53, 0.60]``.
    """
    recall = [key for key in report.totals if re.fullmatch(r"bbox_AR_\d+", key)][-1]
    table = Table(box=box.MARKDOWN)
    table.add_column("species", no_wrap=True)
    for column in (*_COLUMNS, recall.removeprefix("bbox_").replace("_", "")):
        table.add_column(column, justify="right", no_wrap=True)
    for row in report.per_class:
        counts = (row["images"], row["boxes"], row["detections"])
        ends = intervals.species[row["name"]] if intervals else {}
        scores = {"AP": row["AP"], "AP50": row["AP50"], "AR": row["AR"]}
        values = [_number(value, ends.get(key)) for key, value in scores.items()]
        table.add_row(*_cells(shown_name(row["name"], lang), counts, values))
    counts = (report.num_images, report.num_boxes, report.num_detections)
    whole = intervals.intervals if intervals else {}
    shown = ("bbox_mAP", "bbox_mAP_50", recall)
    values = [_number(report.totals[key], whole.get(key)) for key in shown]
    table.add_row(*_cells("(all)", counts, values))
    return f"{render(table)}\n{_further(report.totals, whole)}"


def _cells(name: str, counts: Sequence[int], scores: Sequence[str]) -> list[str]:
    return [name, *map(str, counts), *scores]


def _further(totals: dict[str, float], ends: Mapping[str, tuple[float, float]]) -> str:
    shown = ("bbox_mAP", "bbox_mAP_50")  # stand in the table already
    return "  ".join(
        f"{key.removeprefix('bbox_')} {_number(value, ends.get(key))}"
        for key, value in totals.items()
        if key not in shown
    )


def shown_name(name: str, lang: str | None) -> str:
    """Return a class name, in ``lang`` its common name."""
    return name if lang is None else display_name(name, lang)


def _number(value: float, ends: tuple[float, float] | None = None) -> str:
    if math.isnan(value):
        return "-"
    if ends is None or math.isnan(ends[0]):
        return f"{value:.3f}"
    return f"{value:.3f} [{ends[0]:.2f}, {ends[1]:.2f}]"


def render(table: Table) -> str:
    """Return a table as text that no terminal's width cuts, without colours."""
    out = io.StringIO()
    # a width that no table reaches: a narrow terminal must not cut names or numbers
    console = Console(
        file=out, width=10_000, color_system=None, force_terminal=False, markup=False, emoji=False
    )
    console.print(table)
    # rich puts a line of spaces where the Markdown box has no upper and lower edge
    return "\n".join(line for line in out.getvalue().splitlines() if line.strip())
