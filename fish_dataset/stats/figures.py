"""The drawings of the page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from fish_dataset.fonts import label_font

from .light import Light

BLUE, GREY, ORANGE = "#04648c", "#8fa3ad", "#d9822b"
MOST_CLASSES = 40  # named under an axis
_POINTS = 4000
_SPLITS = (BLUE, ORANGE, GREY)


def long_tail(names: Sequence[str], counts: np.ndarray, splits: Sequence[str]) -> Figure:
    """Boxes of each class, (C, S) ``counts``, the commonest first; log scale."""
    order = np.argsort(-counts.sum(1), kind="stable")[:MOST_CLASSES]
    figure, axes = _figure(8, 3.4)
    x = np.arange(len(order))
    width = 0.8 / len(splits)
    for place, split in enumerate(splits):
        values = counts[order, place]
        axes.bar(
            x + (place + 0.5) * width - 0.4, values, width, label=split, color=_SPLITS[place % 3]
        )
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(0, max(2, counts.max()) * 1.3)
    axes.set_ylabel("boxes (log scale)")
    _name(axes, "x", [names[i] for i in order])
    axes.legend(fontsize=8)
    return figure


def sizes(wh: np.ndarray, anchors: np.ndarray, side: int) -> Figure:
    """Widths and heights of boxes (M, 2) at training size, with the anchors (K, 2)."""
    figure, axes = _figure(5.4, 5)
    shown = wh[np.linspace(0, len(wh) - 1, min(len(wh), _POINTS)).astype(int)]
    axes.scatter(*shown.T, s=5, alpha=0.35, color=BLUE, linewidths=0, label="boxes")
    axes.scatter(*anchors.T, s=60, marker="s", facecolors="none", edgecolors=ORANGE, linewidths=2,
                 label="anchors")  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="width", ylabel="height",
             title=f"pixels, pictures at {side} on the longer side")  # fmt: skip
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    return figure


def histogram(
    values: np.ndarray, label: str, marks: Sequence[tuple[float, str]] = (), log: bool = False
) -> Figure:
    """A histogram of ``values`` with vertical lines at ``marks``."""
    figure, axes = _figure(6, 3)
    values = values[np.isfinite(values)]
    if log and len(values):
        low, high = max(values.min(), 1e-6), max(values.max(), 1e-5)
        bins = np.geomspace(low * 0.999, high * 1.001, 40)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
    elif np.issubdtype(values.dtype, np.integer) and values.max() - values.min() < 80:
        bins = np.arange(values.min(), values.max() + 2) - 0.5
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        bins = np.histogram_bin_edges(values, min(40, max(5, len(np.unique(values)))))
    axes.hist(values, bins, color=BLUE)
    for place, name in marks:
        axes.axvline(place, color=ORANGE, linewidth=1.5)
        axes.text(place, 1.01, name, transform=axes.get_xaxis_transform(), fontsize=8, ha="center")
    axes.set(xlabel=label, ylabel="number")
    return figure


def together(names: Sequence[str], matrix: np.ndarray) -> Figure:
    """In how many pictures classes are together, (C, C); the commonest classes only."""
    order = np.sort(np.argsort(-matrix.diagonal(), kind="stable")[:25])
    shown = matrix[np.ix_(order, order)]
    side = 2.2 + 0.36 * len(order)
    figure, axes = _figure(side + 0.8, side)
    axes.imshow(np.log1p(shown), cmap="Blues")
    for (y, x), value in np.ndenumerate(shown):
        dark = np.log1p(value) > 0.6 * np.log1p(shown.max())
        axes.text(x, y, f"{value}", ha="center", va="center", fontsize=7,
                  color="white" if dark else "black")  # fmt: skip
    listed = [names[i] for i in order]
    _name(axes, "x", listed)
    _name(axes, "y", listed)
    return figure


def heat_map(cells: np.ndarray) -> Figure:
    """Where boxes lie: (n, n) shares of the boxes, over the picture stretched to a square."""
    figure, axes = _figure(4.6, 4)
    drawn = axes.imshow(cells * 100, cmap="magma", vmin=0, extent=(0, 1, 1, 0))
    figure.colorbar(drawn, ax=axes, label="% of the boxes")
    axes.set(xlabel="across", ylabel="down")
    return figure


def casts(light: Light) -> Figure:
    """Colour cast of every picture: the shares of red and blue, grey where both are a third."""
    figure, axes = _figure(5, 4.4)
    good = np.isfinite(light.means[:, 0])
    share = light.cast[good] / 3
    seen = np.clip(light.means[good][:, ::-1] / 255, 0, 1)
    axes.scatter(share[:, 2], share[:, 0], c=seen, s=22, linewidths=0.3, edgecolors="#00000066")
    axes.axhline(1 / 3, color=GREY, linewidth=0.8)
    axes.axvline(1 / 3, color=GREY, linewidth=0.8)
    axes.set(xlabel="red of all light", ylabel="blue of all light",
             title="each picture in its mean colour")  # fmt: skip
    return figure


def _figure(width: float, height: float) -> tuple:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots()


def _name(axes: object, axis: str, names: Sequence[str]) -> None:
    short = [name if len(name) <= 24 else name[:23] + "…" for name in names]
    short = [name.replace("$", r"\$") for name in short]  # no formulas
    path = label_font()
    options: dict = (
        {"fontproperties": FontProperties(fname=str(path), size=8)} if path else {"size": 8}
    )
    if axis == "x":
        options |= {"rotation": 60, "ha": "right", "rotation_mode": "anchor"}
    getattr(axes, f"set_{axis}ticks")(range(len(names)), short, **options)
