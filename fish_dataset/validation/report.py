"""A validation report as a table on the terminal, as JSON and as an HTML page with pictures."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

from fish_dataset.checks import duplicates, groups, shapes
from fish_dataset.checks.subject import Evidence, Subject
from fish_dataset.errors import FishDataError
from fish_dataset.files import write_json
from fish_dataset.output import output_folder
from fish_dataset.page import Badge, Grid, Section, Table, Text, render
from fish_dataset.page.blocks import Block
from fish_dataset.rules import RULES
from fish_dataset.validation.pictures import show
from fish_dataset.validation.run import SEVERITIES, Report

PICTURES = 8
"""Pictures of a rule on the page."""

PLACES = 100
"""Places of a rule that the page lists; report.json has up to 1,000."""

_WIDE = 120  # columns of a terminal that has room for an example of each rule
_COLOURS = {"error": "red", "warning": "yellow", "repaired": "green", "info": "blue"}


def print_summary(report: Report, console: Console | None = None) -> None:
    """The splits and the rules that were met, on the terminal."""
    console = console or Console()
    splits = RichTable(title=str(report.data_dir), title_justify="left")
    for column in _SPLIT_COLUMNS:
        splits.add_column(column, justify="left" if column == "split" else "right")
    for row in _split_rows(report.subject):
        splits.add_row(*(str(cell) for cell in row))
    console.print(splits)
    if report.evidence:
        console.print(_findings_table(report, console.width >= _WIDE))
    console.print(f"Belonging together: {report.grouping}", markup=False, highlight=False)
    console.print(_verdict(report), markup=False, highlight=False)


def _findings_table(report: Report, with_examples: bool) -> RichTable:
    table = RichTable(title="Findings", title_justify="left")
    for column in ("severity", "rule", "count", "what", "such as")[: 5 if with_examples else 4]:
        table.add_column(column, justify="right" if column == "count" else "left")
    examples = {one.finding.rule: one for one in reversed(report.evidence) if one.finding.field}
    for rule, count in report.counts().items():
        severity = RULES[rule].severity
        cells = [f"[{_COLOURS[severity]}]{severity}[/]", rule, str(count), RULES[rule].what]
        if with_examples:
            cells.append(_example(examples.get(rule)))
        table.add_row(*cells)
    return table


def _example(one: Evidence | None) -> str:
    """The first place, with rich's brackets made harmless."""
    if one is None:
        return ""
    text = one.finding.value.partition("\n")[0]
    return text[:80].replace("[", r"\[")


def _verdict(report: Report) -> str:
    totals = [f"{report.total(severity)} {severity}" for severity in SEVERITIES]
    return "Faults by severity: " + ", ".join(totals)


def write_report(report: Report, out: Path) -> None:
    """Write report.json and report.html into the folder ``out``, made where it is missing.

    Raises:
        FishDataError: ``out`` cannot be written, or lies in the data folder.
    """
    output_folder(out, report.data_dir)
    try:
        write_json(out / "report.json", as_json(report))
    except OSError as error:
        raise FishDataError(f"{out}: cannot be written: {error.strerror or error}") from error
    render(
        out / "report.html",
        f"Validation of {report.data_dir.resolve().name}",
        sections(report),
        facts=[
            ("images", len(report.subject.names)),
            ("boxes", sum(int(row[3]) for row in _split_rows(report.subject))),
            *((severity, report.total(severity)) for severity in SEVERITIES),
        ],
        intro=f"{report.data_dir}. Belonging together: {report.grouping}.",
    )


def as_json(report: Report) -> dict[str, Any]:
    """The report as JSON values: data, status, splits, summary, thresholds, grouping, findings."""
    return {
        "data": str(report.data_dir),
        "status": report.status,
        "splits": [
            dict(zip(_SPLIT_COLUMNS, row, strict=True)) for row in _split_rows(report.subject)
        ],
        "summary": [
            {"rule": rule, "severity": RULES[rule].severity, "count": n, "what": RULES[rule].what}
            for rule, n in report.counts().items()
        ],
        "grouping": report.grouping,
        "thresholds": thresholds(),
        "findings": [_entry(report.subject, one) for one in report.evidence],
    }


def thresholds() -> dict[str, float]:
    """The numbers that decide; why they are what they are stands beside each in the checks."""
    return {
        "near duplicate, bits of 128": duplicates.NEAR,
        "series believed, share of random bits": groups.ALIKE,
        "duplicate boxes, IoU": shapes.SAME_IOU,
        "nested boxes, share inside": shapes.NESTED,
        "box as large as the picture, share of each side": shapes.WHOLE,
        "shape or size stands out, robust z": shapes.OUTLIER,
        "boxes of a class for that": shapes.MIN_BOXES,
    }


def _entry(subject: Subject, one: Evidence) -> dict[str, Any]:
    pictures = [
        {
            "split": spot.split,
            "file_name": subject.data(spot.split).file_names[spot.row],
            "boxes": [list(box) for box in spot.boxes],
        }
        for spot in one.spots
    ]
    return {**asdict(one.finding), "pictures": pictures}


_SPLIT_COLUMNS = ("split", "images", "without boxes", "boxes", "ignored boxes", "classes")


def _split_rows(subject: Subject) -> list[tuple[str | int, ...]]:
    rows: list[tuple[str | int, ...]] = []
    for split in subject.splits:
        data = subject.data(split)
        empty = int((data.offsets[1:] == data.offsets[:-1]).sum())
        counted, ignored = int(data.boxes_per_class().sum()), int(data.ignored_per_class().sum())
        rows.append((split, data.num_images, empty, counted, ignored, len(data.classes)))
    return rows


def sections(report: Report) -> list[Section]:
    """The page: a summary, then a section for each rule that was met."""
    summary = [
        (Badge(RULES[rule].severity, RULES[rule].severity), rule, count, RULES[rule].what)
        for rule, count in report.counts().items()
    ]
    blocks: list[Block] = [
        Table(_SPLIT_COLUMNS, _split_rows(report.subject), "what could be read"),
    ]
    if summary:
        blocks.append(Table(("severity", "rule", "count", "what"), summary, "findings"))
    else:
        blocks.append(Text("No fault was found."))
    blocks.append(Table(("threshold", "value"), list(thresholds().items()), "thresholds", True))
    by_rule = groupby(report.evidence, key=lambda one: one.finding.rule)
    return [
        Section("Summary", blocks),
        *(_section(report.subject, rule, list(group)) for rule, group in by_rule),
    ]


def _section(subject: Subject, rule: str, evidence: list[Evidence]) -> Section:
    severity, what, remedy = RULES[rule]
    total = sum(one.finding.count for one in evidence)
    blocks: list[Block] = [Text(f"{what}.\nWhat to do: {remedy}.")]
    shown = _varied([one for one in evidence if one.spots])[:PICTURES]
    if shown:
        blocks.append(Grid([show(subject, one) for one in shown]))
    places = [one.finding for one in evidence if one.finding.field]
    rows = [(Path(f.file).name, f.field, f.value) for f in places[:PLACES]]
    if rows:
        caption = f"places: {len(rows)} of {total}" if total > len(rows) else "places"
        blocks.append(Table(("file", "place", "value"), rows, caption, len(rows) > 5))
    return Section(f"{rule} ({total})", blocks, Badge(severity, severity))


def _varied(evidence: list[Evidence]) -> list[Evidence]:
    """Evidence of different pictures first: a picture with a hundred faults would hide the rest."""
    seen: set[tuple[str, int]] = set()
    first: list[Evidence] = []
    later: list[Evidence] = []
    for one in evidence:
        key = (one.spots[0].split, one.spots[0].row)
        (later if key in seen else first).append(one)
        seen.add(key)
    return first + later
