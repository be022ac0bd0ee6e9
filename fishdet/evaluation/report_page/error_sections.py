"""Error analysis as sections of a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from fish_dataset.catalogue import display_name
from fish_dataset.page import Figure, Grid, Picture, Section, Table, Text
from fish_dataset.page.blocks import Block, Cell

from ..errors.analysis import Analysis, picture_errors, placement, right_pictures, worst_pictures
from ..errors.confusion import confusions
from ..errors.pictures import draw_errors
from ..errors.strata import Stratum
from . import figures
from .words import word

Say = Callable[..., str]
_BARS = ("size", "crowding", "brightness")


def speaker(lang: str) -> Say:
    """``word`` in one language."""

    def say(key: str, **values: object) -> str:
        return word(key, lang, **values)

    return say


def class_names(analysis: Analysis, lang: str) -> list[str]:
    """The classes as the page calls them: common names in Korean, else their own."""
    classes = analysis.annotations.classes
    return [display_name(name, lang) if lang == "ko" else name for name in classes]


def error_sections(analysis: Analysis, lang: str) -> list[Section]:
    """Costs, confusion, placement and parts."""
    say, names = speaker(lang), class_names(analysis, lang)
    return [
        Section(say("costs"), _costs(analysis, say, names)),
        Section(say("confusion"), _confusion(analysis, say, names)),
        Section(say("placement"), _placement(analysis, say, names)),
        Section(say("where"), _where(analysis, say)),
    ]


def picture_sections(
    analysis: Analysis, image_dir: Path, lang: str, worst: int, right: int
) -> list[Section]:
    """Drawn pictures: the worst, and some without an error; a number of 0 leaves them out."""
    say, names = speaker(lang), class_names(analysis, lang)
    sections = []
    for title, rows, asked in (
        ("wrong_pictures", worst_pictures(analysis, worst), worst),
        ("right_pictures", right_pictures(analysis, right), right),
    ):
        if not asked:
            continue
        grid = Grid(_pictures(analysis, rows, image_dir, say, names), say("legend"))
        sections.append(Section(say(title), [grid if len(rows) else Text(say("none_such"))]))
    return sections


def _costs(analysis: Analysis, say: Say, names: Sequence[str]) -> list[Block]:
    cost = analysis.costs
    rows: list[tuple[Cell, ...]] = [
        (name, say(name), cost.counts[name], fixed(gain)) for name, gain in cost.main.items()
    ]
    rows += [(name, say(name), None, fixed(gain)) for name, gain in cost.special.items()]
    bars = figures.cost_bars(list(cost.main), [_zero(gain) for gain in cost.main.values()])
    species = [
        (name, fixed(cost.ap[k]), *(fixed(gain[k]) for gain in cost.per_class.values()))
        for k, name in enumerate(names)
    ]
    return [
        Text(say("costs_note")),
        Figure.from_matplotlib(bars, f"AP50 {fixed(cost.mean_ap)}"),
        Table((say("kind"), say("meaning"), say("count"), "dAP"), rows),
        Table((say("species"), "AP50", *(f"dAP {name}" for name in cost.per_class)), species,
              caption=f"dAP: {say('per_species')}", folded=len(names) > 12),
    ]  # fmt: skip


def _confusion(analysis: Analysis, say: Say, names: Sequence[str]) -> list[Block]:
    matrix, seen = analysis.confusion, analysis.outcome
    how = say("best_f1", f1=f"{seen.f1:.2f}") if seen.best else ""
    note = Text(say("confusion_note", threshold=f"{seen.threshold:.2f}", how=how))
    edges = say("false"), say("missed")
    columns = ("", *names, edges[1])
    rows: list[tuple[Cell, ...]] = [
        (name, *counts.tolist()) for name, counts in zip([*names, edges[0]], matrix, strict=True)
    ]
    table = Table(columns, rows, caption=say("as_table"), folded=True)
    blocks: list[Block] = [note]
    if len(names) <= 40:  # more would be too small to read: the table has them all
        drawn = figures.confusion_map(matrix, names, edges, (say("truth_axis"), say("said_axis")))
        blocks.append(Figure.from_matplotlib(drawn, f"{say('truth_axis')} × {say('said_axis')}"))
    mixed = [(names[a], names[b], times) for a, b, times in confusions(matrix)]
    if mixed:
        heads = (say("species"), say("taken_for"), say("times"))
        blocks.append(Table(heads, mixed, caption=say("commonest")))
    return [*blocks, table]


def _placement(analysis: Analysis, say: Say, names: Sequence[str]) -> list[Block]:
    shares = placement(analysis)
    text = say("placement_note", located=_percent(shares["located"]),
               named=_percent(shares["named"]), iou=fixed(shares["mean_iou"]))  # fmt: skip
    kinds = list(analysis.lies_on)
    heads = [say(kind) if kind == "empty" else kind for kind in kinds]
    rows: list[tuple[Cell, ...]] = [
        (name, *(int(analysis.lies_on[kind][k]) for kind in kinds)) for k, name in enumerate(names)
    ]
    rows.append((say("all"), *(int(analysis.lies_on[kind].sum()) for kind in kinds)))
    meanings = "\n".join(f"{kind}: {say(kind)}" for kind in kinds if kind != "empty")
    return [Text(text), Table((say("species"), *heads), rows, caption=say("lies_on")),
            Text(meanings)]  # fmt: skip


def _where(analysis: Analysis, say: Say) -> list[Block]:
    words = {key: say(key) for key in ("found", "misnamed", "missed", "recall", "boxes")}
    blocks: list[Block] = []
    for by in (*_BARS, "position"):
        parts = analysis.strata.get(by)
        if parts is None:
            blocks.append(Text(say("dark")))
            continue
        called = _called(by, parts, say)
        caption = say(by)
        if by == "position":
            drawn = figures.recall_map(parts, words)
        else:
            shown = [(part, name) for part, name in zip(parts, called, strict=True) if part.boxes]
            drawn = figures.strata_bars([p for p, _ in shown], [n for _, n in shown], words)
            caption = say("bars", by=caption)
        blocks += [Figure.from_matplotlib(drawn, caption), _strata_table(by, parts, called, say)]
        if by == "brightness" and analysis.measured < analysis.annotations.num_images:
            total = analysis.annotations.num_images
            blocks.append(Text(say("measured", known=analysis.measured, all=total)))
    return blocks


def _called(by: str, parts: Sequence[Stratum], say: Say) -> list[str]:
    if by != "position":
        return [part.name for part in parts]
    return [say("to the right" if part.name == "right" else part.name) for part in parts]


def _strata_table(by: str, parts: Sequence[Stratum], called: Sequence[str], say: Say) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (name, part.boxes, part.found, part.misnamed, part.missed, part.false,
         _percent(part.recall), _percent(part.precision), fixed(part.ap50))
        for name, part in zip(called, parts, strict=True)
    ]  # fmt: skip
    heads = (say(by), *(say(key) for key in ("boxes", "found", "misnamed", "missed", "false",
                                             "recall", "precision")), "AP50")  # fmt: skip
    return Table(heads, rows, caption=say("as_table"), folded=True)


def _pictures(
    analysis: Analysis, rows: np.ndarray, image_dir: Path, say: Say, names: Sequence[str]
) -> list[Picture]:
    table = picture_errors(analysis)
    kinds = [say(key) for key in ("right", "misnamed", "false", "missed")]
    found = []
    for row in rows.tolist():
        counts = zip(kinds, table[row].tolist(), strict=True)
        note = " · ".join(f"{kind} {count}" for kind, count in counts if count)
        pixels = draw_errors(analysis, row, image_dir, names)
        found.append(Picture.of(pixels, analysis.annotations.file_names[row], note))
    return found


def fixed(value: float) -> str | None:
    """Three decimals; None, which a table shows as a dash, for NaN."""
    return None if np.isnan(value) else f"{value:.3f}"


def _percent(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.0%}"


def _zero(value: float) -> float:
    return 0.0 if np.isnan(value) else value
