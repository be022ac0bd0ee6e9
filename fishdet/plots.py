"""Curves of a run as PNG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fish_dataset.files import write_atomic

AP_KEYS = {"coco/bbox_mAP": "mAP", "coco/bbox_mAP_50": "mAP@0.50"}
NAMING_KEYS = {"ident/top1": "top-1", "ident/macro_top1": "top-1, mean of species"}


def plot_curves(rows: dict[str, list[dict[str, Any]]], folder: Path) -> None:
    """Draw ``loss.png`` and ``ap.png`` from the rows of metrics.json; nothing for no rows."""
    if rows["train"]:
        _save(_loss_figure(rows["train"]), folder / "loss.png")
    if rows["val"]:
        _save(_ap_figure(rows["val"]), folder / "ap.png")


def _loss_figure(rows: list[dict[str, Any]]) -> Figure:
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    names = sorted({key for row in rows for key in row if "loss" in key})
    for name in names:
        points = np.array([(row["iter"], row[name]) for row in rows if name in row])
        width = 2.2 if name == "loss" else 1.0
        axes.plot(points[:, 0], running_mean(points[:, 1]), label=name, linewidth=width)
    axes.set(
        xlabel="iteration",
        ylabel="loss",
        yscale="log",
        title="Training loss (mean of the last 8 records)",
    )
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return figure


def running_mean(values: np.ndarray, window: int = 8) -> np.ndarray:
    """Return the mean (N,) of each value and up to ``window`` - 1 before it."""
    sums = np.cumsum(np.insert(values, 0, 0.0))
    last = np.arange(1, len(values) + 1)
    first = np.maximum(0, last - window)
    return (sums[last] - sums[first]) / (last - first)


def _ap_figure(rows: list[dict[str, Any]]) -> Figure:
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    epochs = [row["epoch"] for row in rows]
    naming = any("ident/top1" in row for row in rows)
    for key, label in (NAMING_KEYS if naming else AP_KEYS).items():
        axes.plot(epochs, [row.get(key, 0.0) for row in rows], "o-", label=label, linewidth=2.2)
    for name in [row["name"] for row in rows[-1].get("species", [])]:
        series = [_species_ap(row, name) for row in rows]
        axes.plot(epochs, series, ".--", label=name if naming else f"AP {name}", linewidth=0.9)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    measure = "share right" if naming else "AP"
    axes.set(xlabel="epoch", ylabel=measure, ylim=(0, 1), title="Validation")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, ncols=2)
    return figure


def _species_ap(row: dict[str, Any], name: str) -> float:
    rows = [item for item in row.get("species", []) if item["name"] == name]
    found = [item.get("AP", item.get("top1")) for item in rows]
    return float("nan") if not found or found[0] is None else found[0]


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    write_atomic(path, lambda temporary: figure.savefig(temporary, format="png", dpi=110))
