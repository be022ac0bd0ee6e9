"""The drawings of the pages; matplotlib figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import LogLocator, NullFormatter

from fish_dataset.fonts import label_font

from ..errors.strata import Stratum

BLUE, ORANGE, GREY, RED, GREEN = "#04648c", "#d9822b", "#8fa3ad", "#c4453c", "#3f8f63"
LINES = (BLUE, ORANGE, GREEN, "#7d5ba6", RED, "#00868b", "#a07d2c", "#c0608f", "#5b6f7a", "#4477dd")
_NAMED_CLASSES = 25
_CELLS_WITH_NUMBERS = 26


def cost_bars(names: Sequence[str], gains: Sequence[float]) -> Figure:
    """dAP of each kind of error."""
    figure, axes = blank(4.5, 2.3)
    places = np.arange(len(names))[::-1]
    axes.barh(places, gains, color=BLUE, height=0.62)
    top = max([*gains, 0.01])
    for place, gain in zip(places, gains, strict=True):
        axes.text(gain + top * 0.015, place, f"{gain:.3f}", va="center", fontsize=9)
    axes.set_yticks(places, names)
    axes.set(xlim=(0, top * 1.15), xlabel="dAP")
    finish(axes)
    return figure


def confusion_map(
    matrix: np.ndarray, names: Sequence[str], edges: tuple[str, str], axis_names: tuple[str, str]
) -> Figure:
    """The confusion matrix, shaded by row; ``edges`` name the last row and the last column."""
    count = len(matrix)
    side = max(3.6, 1.6 + 0.42 * count)
    figure, axes = blank(side + 0.8, side)
    total = np.maximum(matrix.sum(1, keepdims=True), 1)
    axes.imshow(matrix / total, cmap="Blues", vmin=0, vmax=1)
    if count <= _CELLS_WITH_NUMBERS:
        for (y, x), value in np.ndenumerate(matrix):
            if value:
                dark = value / total[y, 0] > 0.55
                axes.text(x, y, str(value), ha="center", va="center", fontsize=8,
                          color="white" if dark else "#15242c")  # fmt: skip
    axes.axhline(count - 1.5, color=GREY, linewidth=1)
    axes.axvline(count - 1.5, color=GREY, linewidth=1)
    axes.set_xticks(range(count), [short(n) for n in [*names, edges[1]]], rotation=50, ha="right",
                    rotation_mode="anchor")  # fmt: skip
    axes.set_yticks(range(count), [short(n) for n in [*names, edges[0]]])
    axes.set_ylabel(axis_names[0])
    axes.set_xlabel(axis_names[1])
    finish(axes, grid=False)
    return figure


def strata_bars(parts: Sequence[Stratum], names: Sequence[str], words: Mapping[str, str]) -> Figure:
    """What became of the boxes of each part, as shares, with their numbers."""
    figure, axes = blank(4.5, 1.0 + 0.34 * len(parts))
    places = np.arange(len(parts))[::-1]
    boxes = np.array([max(part.boxes, 1) for part in parts])
    left = np.zeros(len(parts))
    for key, colour in (("found", GREEN), ("misnamed", ORANGE), ("missed", GREY)):
        share = np.array([getattr(part, key) for part in parts]) / boxes
        axes.barh(places, share, left=left, color=colour, height=0.66, label=words[key])
        left += share
    for place, part in zip(places, parts, strict=True):
        axes.text(1.015, place, f"{part.boxes}", va="center", fontsize=8.5)
    axes.set_yticks(places, names)
    axes.set(xlim=(0, 1), xticks=[0, 0.25, 0.5, 0.75, 1],
             xticklabels=["0", "25", "50", "75", "100 %"])  # fmt: skip
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)
    finish(axes, grid=False)
    return figure


def recall_map(parts: Sequence[Stratum], words: Mapping[str, str]) -> Figure:
    """Recall in the ninths of the picture."""
    figure, axes = blank(3.6, 2.7)
    recall = np.array([part.recall for part in parts]).reshape(3, 3)
    axes.imshow(np.nan_to_num(recall), cmap="Blues", vmin=0, vmax=1, aspect=0.7)
    for (y, x), value in np.ndenumerate(recall):
        text = "–" if np.isnan(value) else f"{value:.0%}"
        colour = "white" if value > 0.55 else "#15242c"
        axes.text(x, y, f"{text}\n{parts[3 * y + x].boxes} {words['boxes']}", ha="center",
                  va="center", color=colour, fontsize=9)  # fmt: skip
    axes.set(xticks=[], yticks=[])
    axes.set_title(words["recall"])
    axes.spines[:].set_visible(False)
    finish(axes, grid=False)
    return figure


def precision_recall(
    curves: Sequence[tuple[str, np.ndarray, float]],
    recalls: np.ndarray,
    points: Sequence[tuple[float, float]],
    axis_names: tuple[str, str],
) -> Figure:
    """Curves (name, precision at ``recalls``, AP) and the threshold's (recall, precision)."""
    figure, axes = blank(4.6, 4.4)
    for number, (name, values, ap) in enumerate(curves[:_NAMED_CLASSES]):
        colour = LINES[number % len(LINES)]
        style = ("-", "--", ":")[number // len(LINES) % 3]
        axes.plot(recalls, values, style, color=colour, linewidth=1.8,
                  label=f"{short(name)}  {ap:.3f}")  # fmt: skip
        axes.plot(*points[number], "o", color=colour, markersize=5)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel=axis_names[1], ylabel=axis_names[0])
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.14), ncols=2, frameon=False)
    finish(axes)
    return figure


def reliability(record: Mapping[str, Any], axis_names: tuple[str, str]) -> Figure:
    """Precision over mean score of each bin; the size of a mark tells how many there are."""
    figure, axes = blank(3.9, 3.7)
    counts = np.array(record["counts"], float)
    score = np.array(_floats(record["confidence"]))
    right = np.array(_floats(record["precision"]))
    held = (counts > 0) & ~np.isnan(score) & ~np.isnan(right)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1)
    axes.plot(score[held], right[held], color=BLUE, linewidth=1.2)
    axes.scatter(score[held], right[held], s=14 + 110 * np.sqrt(counts[held] / counts.max()),
                 color=BLUE, alpha=0.75, linewidths=0)  # fmt: skip
    axes.set(xlim=(0, 1.02), ylim=(0, 1.04), xlabel=axis_names[0], ylabel=axis_names[1])
    finish(axes)
    return figure


def size_ap(parts: Sequence[Stratum], label: str) -> Figure:
    """AP at IoU 0.5 over the size of the boxes."""
    figure, axes = blank(4.5, 2.6)
    values = np.array([part.ap50 for part in parts])
    axes.bar(range(len(parts)), np.nan_to_num(values), color=BLUE, width=0.6)
    for place, value in enumerate(values):
        if not np.isnan(value):
            axes.text(place, value + 0.02, f"{value:.2f}", ha="center", fontsize=9)
    axes.set_xticks(range(len(parts)), [part.name for part in parts])
    axes.set(ylim=(0, 1.12), ylabel="AP50", xlabel=label)
    finish(axes)
    return figure


def learning(
    curves: Sequence[tuple[str, Sequence[float], Sequence[float]]],
    axis_names: tuple[str, str],
    log: bool = False,
) -> Figure:
    """Curves (name, x, y)."""
    figure, axes = blank(4.6, 2.8)
    for number, (name, x, y) in enumerate(curves):
        marks = "o-" if len(x) < 40 else "-"
        axes.plot(x, y, marks, color=LINES[number % len(LINES)], markersize=4, linewidth=1.6,
                  label=name)  # fmt: skip
    if log:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylim(0, max([0.01, *(value for _, _, y in curves for value in y)]) * 1.08)
    axes.set(xlabel=axis_names[0], ylabel=axis_names[1])
    axes.legend(frameon=False)
    finish(axes)
    return figure


def blank(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of that many inches and its axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots()


def finish(axes: Axes, grid: bool = True) -> None:
    """Letters that have Hangul, thin frames, a faint grid."""
    path = label_font()
    texts = [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels(),
             *axes.get_yticklabels(), *axes.texts]  # fmt: skip
    legend = axes.get_legend()
    texts += legend.get_texts() if legend else []
    for text in texts:
        size = min(text.get_fontsize(), 9.5)
        if path is not None:
            text.set_fontproperties(FontProperties(fname=str(path)))
        text.set_fontsize(size)
        text.set_parse_math(False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if grid:
        axes.grid(alpha=0.25)
        axes.set_axisbelow(True)


def short(name: str, most: int = 24) -> str:
    """``name`` cut to ``most`` characters."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _floats(values: Sequence[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]
