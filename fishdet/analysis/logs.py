"""Curves of several runs on top of one another, and a row a run."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fish_dataset.files import read_json, write_atomic
from fishdet.errors import FishdetError
from fishdet.plots import running_mean

AP = "coco/bbox_mAP"
SPEED, WAIT = "throughput/pictures_per_second", "throughput/data_wait_share"
COLUMNS = ("run", "epochs", "iterations", "loss", "best_mAP", "best_epoch", "pictures_per_s",
           "data_wait", "commit", "seed")  # fmt: skip


@dataclass
class Run:
    """The records of one work dir.

    Attributes:
        name: of the run, as far as it tells it from the others.
        train: rows of ``metrics.json``: epoch, iter, lr, losses.
        val: the same of evaluations.
        speed: (n, 3): iteration, pictures a second, share of time waiting for data.
        environment: ``environment.json``.
    """

    name: str
    train: list[dict[str, Any]]
    val: list[dict[str, Any]]
    speed: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    environment: dict[str, Any] = field(default_factory=dict)


def read_runs(folders: Sequence[Path]) -> list[Run]:
    """Read the records of work dirs.

    Raises:
        FishdetError: one has none.
    """
    names = _names([folder.resolve() for folder in folders])
    return [_read(folder, name) for folder, name in zip(folders, names, strict=True)]


def summary(run: Run) -> dict[str, Any]:
    """Return the row of ``COLUMNS`` of a run; None where it is not known."""
    scored = [row for row in run.val if row.get(AP) is not None]
    best = max(scored, key=lambda row: row[AP]) if scored else None
    losses = np.array([row["loss"] for row in run.train if "loss" in row])
    last = run.train[-1] if run.train else {}
    return {
        "run": run.name,
        "epochs": last.get("epoch"),
        "iterations": last.get("iter"),
        "loss": round(float(running_mean(losses)[-1]), 4) if len(losses) else None,
        "best_mAP": round(best[AP], 4) if best else None,
        "best_epoch": best["epoch"] if best else None,
        "pictures_per_s": round(float(np.median(run.speed[:, 1])), 2) if len(run.speed) else None,
        "data_wait": round(float(np.median(run.speed[:, 2])), 3) if len(run.speed) else None,
        "commit": (run.environment.get("commit") or "")[:12] or None,
        "seed": run.environment.get("seed"),
    }


def write_logs(runs: Sequence[Run], out: Path) -> list[dict[str, Any]]:
    """Write ``curves.png`` and ``runs.csv`` into a folder and return the rows."""
    out.mkdir(parents=True, exist_ok=True)
    rows = [summary(run) for run in runs]

    def table(path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)

    write_atomic(out / "runs.csv", table)
    figure = draw(runs)
    write_atomic(out / "curves.png", lambda path: figure.savefig(path, format="png", dpi=110))
    return rows


def draw(runs: Sequence[Run]) -> Figure:
    """Return loss, mAP, learning rate and throughput of all runs."""
    figure = Figure(figsize=(11, 7), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 2)
    for run in runs:
        for place, points in zip(axes.flat, _series(run), strict=True):
            style = "o-" if 0 < len(points) < 15 else "-"
            place.plot(*points.T, style, markersize=3, linewidth=1.4, label=run.name)
    titles = ("training loss (mean of the last 8 records)", "mAP on validation", "learning rate",
              "pictures a second, all processes")  # fmt: skip
    for place, title in zip(axes.flat, titles, strict=True):
        place.set(title=title, xlabel="iteration")
        place.grid(alpha=0.3)
        if not any(len(line.get_xdata()) for line in place.get_lines()):
            place.text(0.5, 0.5, "no records", ha="center", transform=place.transAxes)
    axes[0, 0].set_yscale("log")
    axes[0, 0].legend(fontsize=8)
    return figure


def _series(run: Run) -> Iterator[np.ndarray]:
    loss = _points(run.train, "loss")
    loss[:, 1] = running_mean(loss[:, 1]) if len(loss) else loss[:, 1]
    yield loss
    yield _points(run.val, AP)
    yield _points(run.train, "lr")
    yield run.speed[:, :2]


def _points(rows: Sequence[dict[str, Any]], key: str) -> np.ndarray:
    found = [(row["iter"], row[key]) for row in rows if row.get(key) is not None]
    return np.array(found, float).reshape(-1, 2)


def _read(folder: Path, name: str) -> Run:
    path = folder / "metrics.json"
    if not path.is_file():
        raise FishdetError(
            f"{folder}: no metrics.json; name work dirs of tools/train.py, such as work_dirs/fish"
        )
    try:
        metrics = read_json(path)
        run = Run(name, list(metrics["train"]), list(metrics["val"]))
        environment = folder / "environment.json"
        run.environment = read_json(environment) if environment.is_file() else {}
    except (ValueError, KeyError, TypeError) as error:
        raise FishdetError(f"{path}: cannot be read: {error}") from error
    speed = {step: values for file in sorted(folder.glob("*/vis_data/*.json"))
             for step, values in _speeds(file)}  # fmt: skip
    run.speed = np.array([(step, *values) for step, values in sorted(speed.items())]).reshape(-1, 3)
    return run


def _speeds(path: Path) -> Iterator[tuple[int, tuple[float, float]]]:
    """Yield what ``ThroughputHook`` left in a start's scalars; a resumed run has several."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if SPEED not in line:
            continue
        try:
            row = json.loads(line)
            yield int(row["step"]), (float(row[SPEED]), float(row.get(WAIT, "nan")))
        except (ValueError, KeyError, TypeError):  # a line that a crash cut short
            continue


def _names(folders: Sequence[Path]) -> list[str]:
    """The ends of the paths, as long as it takes to tell them apart."""
    for depth in range(1, 20):
        names = ["/".join(folder.parts[-depth:]) for folder in folders]
        if len(set(names)) == len(names):
            return names
    return [str(folder) for folder in folders]
