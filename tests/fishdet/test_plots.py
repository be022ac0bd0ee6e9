"""Curves of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.image import imread

from fishdet.plots import plot_curves, running_mean


def test_running_mean_by_hand() -> None:
    assert running_mean(np.array([2.0, 4.0, 9.0, 3.0]), window=2).tolist() == [2.0, 3.0, 6.5, 6.0]


def test_figures_are_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    train = [{"epoch": 1, "iter": i, "loss": 2.0 / i, "loss_cls": 1.0 / i} for i in range(1, 30)]
    species = [{"name": "eel", "AP": None}, {"name": "salmon", "AP": 0.5}]
    val = [{"epoch": 1, "coco/bbox_mAP": 0.4, "coco/bbox_mAP_50": 0.7, "species": species}]
    plot_curves({"train": train, "val": val}, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ap.png", "loss.png"]
    assert imread(tmp_path / "loss.png").std() > 0.01


def test_no_rows_draw_nothing(tmp_path: Path) -> None:
    plot_curves({"train": [], "val": []}, tmp_path)
    assert list(tmp_path.iterdir()) == []
