"""Plots of a benchmark: what accuracy costs, and what more pictures bring."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fish_dataset.files import write_atomic

from .rows import Board, Row

COSTS = {
    "latency_ms": ("latency of a picture (ms)", 1.0),
    "parameters": ("parameters (millions)", 1e-6),
}


def figures(boards: Sequence[Board], statistic: str) -> dict[str, Figure]:
    """Return the figures by file name; those without a point are left out."""
    found = {}
    for cost, (label, factor) in COSTS.items():
        shown = [(b, _points(b, cost, statistic)) for b in boards]
        shown = [(b, rows) for b, rows in shown if rows]
        if shown:
            found[f"{statistic}_{cost}.png"] = _cost_figure(shown, cost, label, factor, statistic)
    curves = _curves(boards, statistic)
    if curves:
        found[f"{statistic}_train_images.png"] = _learning_figure(curves, statistic)
    return found


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG."""
    FigureCanvasAgg(figure)
    write_atomic(path, lambda temporary: figure.savefig(temporary, format="png", dpi=110))


def _points(board: Board, cost: str, statistic: str) -> list[Row]:
    return [row for row in board.rows if statistic in row.scores and row.cost[cost] is not None]


def _cost_figure(
    shown: Sequence[tuple[Board, list[Row]]], cost: str, label: str, factor: float, statistic: str
) -> Figure:
    figure = Figure(figsize=(6.5 * len(shown), 4.5), layout="constrained")
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    for axes, (board, rows) in zip(panels, shown, strict=True):
        for row in rows:
            value = (row.cost[cost] or 0.0) * factor
            _bar(axes, value, row, statistic)
        axes.set(xlabel=label, ylabel=statistic.removeprefix("bbox_"), title=board.data)
        axes.set_ylim(bottom=0)
        axes.margins(x=0.15)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    return figure


def _bar(axes: Axes, x: float, row: Row, statistic: str) -> None:
    score = row.scores[statistic]
    ends = [[max(0.0, score.value - score.low)], [max(0.0, score.high - score.value)]]
    axes.errorbar([x], [score.value], yerr=ends, fmt="o", capsize=3, label=row.model)


def _curves(boards: Sequence[Board], statistic: str) -> dict[str, dict[str, list[Row]]]:
    """By ground truth and detector the rows of two sizes of training set or more."""
    found: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for board in boards:
        for row in board.rows:
            if statistic in row.scores and row.train_images:
                found[board.truth][row.model].append(row)
    kept = {
        truth: {m: rows for m, rows in models.items() if len({r.train_images for r in rows}) > 1}
        for truth, models in found.items()
    }
    return {truth: models for truth, models in kept.items() if models}


def _learning_figure(curves: dict[str, dict[str, list[Row]]], statistic: str) -> Figure:
    figure = Figure(figsize=(6.5 * len(curves), 4.5), layout="constrained")
    panels = figure.subplots(1, len(curves), squeeze=False)[0]
    for axes, models in zip(panels, curves.values(), strict=True):
        names: set[str] = set()
        for model, rows in models.items():
            rows = sorted(rows, key=lambda row: row.train_images or 0)
            sizes = [row.train_images or 0 for row in rows]
            scores = [row.scores[statistic] for row in rows]
            names |= {row.data for row in rows}
            (line,) = axes.plot(sizes, [s.value for s in scores], "o-", label=model)
            axes.fill_between(
                sizes, [s.low for s in scores], [s.high for s in scores],
                color=line.get_color(), alpha=0.15,
            )  # fmt: skip
        axes.set(xlabel="training pictures", ylabel=statistic.removeprefix("bbox_"))
        axes.set_title(", ".join(sorted(names)), fontsize=9)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    return figure
