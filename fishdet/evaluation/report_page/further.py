"""Counts and kinship of mistakes, where the run measured them, as a section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fish_dataset.page import Section, Table, Text
from fish_dataset.page.blocks import Block, Cell

from .words import word

_LEVELS = ("species", "genus", "family", "order", "class")


def counts_section(record: Mapping[str, Any], names: Sequence[str], lang: str) -> Section | None:
    """Count errors of a picture and how near the wrong names are; None where nobody measured.

    Args:
        record: ``evaluation`` of it holds what ``extras.record`` makes: ``counts`` and
            ``taxonomy``.
        names: What the page calls the classes, in their order.
        lang: 'en' or 'ko'.
    """
    further = record.get("evaluation")
    if not isinstance(further, Mapping):
        return None
    blocks: list[Block] = []
    rows = ((further.get("counts") or {}).get("image") or {}).get("species") or []
    if len(rows) == len(names):
        blocks += [Text(word("counts_note", lang)), _table(rows, names, lang)]
    levels = (further.get("taxonomy") or {}).get("accuracy") or {}
    told = [
        f"{word(f'level_{level}', lang)} {levels[level]:.0%}"
        for level in _LEVELS
        if levels.get(level) is not None
    ]
    if told:
        blocks.append(Text(word("taxonomy_note", lang, levels=", ".join(told))))
    return Section(word("counts", lang), blocks) if blocks else None


def _table(rows: Sequence[Mapping[str, Any]], names: Sequence[str], lang: str) -> Table:
    keys = ("truth", "found", "mae", "bias")
    cells: list[tuple[Cell, ...]] = [
        (name, *(_cell(row.get(key)) for key in keys))
        for name, row in zip(names, rows, strict=True)
    ]
    heads = ("species", "there", "counted", "count_mae", "count_bias")
    return Table([word(head, lang) for head in heads], cells)


def _cell(value: float | None) -> Cell:
    return f"{value:.2f}" if isinstance(value, float) else value
