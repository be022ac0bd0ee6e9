"""``tools/benchmark.py compare``: tables, plots, and which pairs differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fish_dataset.files import require_writable, write_atomic
from fish_dataset.page import Figure, Section, Table, Text, render
from fishdet.errors import FishdetError

from .plots import figures, save
from .rows import Board, boards
from .tables import HEADINGS, PAIR_HEADINGS, WRITERS, cells, how, markdown, pair_cells

FEWEST_RESAMPLES = 100


@dataclass(frozen=True)
class CompareOptions:
    """The choices of ``tools/benchmark.py compare``; each mirrors a flag."""

    out: Path
    by: Sequence[str] | None = None
    statistic: str = "bbox_mAP"
    resamples: int | None = None


def compare(options: CompareOptions) -> int:
    """Write ``OUT/tables``: tables.md, tables.tex, results.csv, pairs.csv, plots, index.html.

    Raises:
        FishdetError, FishDataError: nothing has run, a file of a run is at fault, an unknown
            statistic or group key.
    """
    if options.resamples is not None and options.resamples < FEWEST_RESAMPLES:
        raise FishdetError(
            f"--resamples {options.resamples}: from {FEWEST_RESAMPLES}; fewer make no interval"
        )
    found = boards(
        options.out, statistic=options.statistic, by=options.by, resamples=options.resamples
    )
    folder = options.out / "tables"
    require_writable(folder, "--out")
    for name, writer in WRITERS.items():
        _write(folder / name, writer(found))
    drawn = figures(found, options.statistic)
    for name, figure in drawn.items():
        save(figure, folder / name)
    shown = [
        Figure.from_matplotlib(figure, f"{axes.get_ylabel()} over {axes.get_xlabel()}")
        for figure in drawn.values()
        for axes in figure.axes[:1]
    ]
    sections = [_section(board) for board in found]
    if shown:
        sections.append(Section("Plots", shown))
    render(folder / "index.html", "Benchmark", sections)
    print(markdown(found))
    print(f"Wrote {folder}: {', '.join([*WRITERS, *drawn, 'index.html'])}")
    return 0


def _section(board: Board) -> Section:
    blocks: list[Text | Table] = [
        Text(how(board)),
        Table(HEADINGS, [cells(row) for row in board.rows]),
    ]
    notes = [(row.model, note) for row in board.rows for note in row.notes]
    if notes:
        blocks.append(Table(("detector", "note"), notes))
    if board.judgement and board.judgement.pairs:
        rows = [pair_cells(pair) for pair in board.judgement.pairs]
        caption = f"Pairs by {board.judgement.statistic}, second minus first"
        blocks.append(Table(PAIR_HEADINGS, rows, caption))
    return Section(board.data, blocks)


def _write(path: Path, text: str) -> None:
    def write(temporary: Path) -> None:
        temporary.write_text(text, encoding="utf-8")

    write_atomic(path, write)
