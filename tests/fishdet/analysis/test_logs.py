"""Several runs side by side, from what their work dirs hold."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from mmengine.config import Config

from fishdet.analysis.logs import read_runs, summary, write_logs
from fishdet.errors import FishdetError
from fishdet.tracking import add_trackers


def work_dir(folder: Path, losses: list[float], scores: list[float | None]) -> Path:
    folder.mkdir(parents=True)
    train = [{"epoch": 1, "iter": 10 * (i + 1), "lr": 0.1, "loss": v} for i, v in enumerate(losses)]
    val = [{"epoch": i + 1, "iter": 10 * (i + 1), "coco/bbox_mAP": v} for i, v in enumerate(scores)]
    (folder / "metrics.json").write_text(json.dumps({"train": train, "val": val}))
    (folder / "environment.json").write_text(json.dumps({"commit": "abc123", "seed": 5}))
    for start, speed in (("1", 4.0), ("2", 6.0)):  # a run that was resumed
        scalars = folder / start / "vis_data" / "scalars.json"
        scalars.parent.mkdir(parents=True)
        row = {"throughput/pictures_per_second": speed, "throughput/data_wait_share": 0.25,
               "step": 10 * int(start)}  # fmt: skip
        scalars.write_text(json.dumps(row) + '\n{"loss": 1, "step": 3}\n{"throughput/pict')
    return folder


def test_a_row_a_run_and_the_curves(tmp_path: Path) -> None:
    one = work_dir(tmp_path / "a" / "fish", [4.0, 2.0], [0.1, 0.3, None])
    other = work_dir(tmp_path / "b" / "fish", [4.0, 3.0], [0.2, 0.1])
    runs = read_runs([one, other])
    assert [run.name for run in runs] == ["a/fish", "b/fish"]
    assert summary(runs[0]) == {
        "run": "a/fish", "epochs": 1, "iterations": 20, "loss": 3.0, "best_mAP": 0.3,
        "best_epoch": 2, "pictures_per_s": 5.0, "data_wait": 0.25, "commit": "abc123", "seed": 5,
    }  # fmt: skip
    write_logs(runs, tmp_path / "out")
    with (tmp_path / "out" / "runs.csv").open() as stream:
        assert [row["best_mAP"] for row in csv.DictReader(stream)] == ["0.3", "0.2"]
    assert (tmp_path / "out" / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_without_records_is_named(tmp_path: Path) -> None:
    with pytest.raises(FishdetError, match="no metrics.json; name work dirs"):
        read_runs([tmp_path])


def test_trackers_by_name_and_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = Config(dict(work_dir="work_dirs/reef/run_1",
                      visualizer=dict(vis_backends=[dict(type="LocalVisBackend")])))  # fmt: skip
    monkeypatch.setattr(
        "fishdet.tracking.find_spec", lambda name: None if name == "wandb" else name
    )
    add_trackers(cfg, ["tensorboard", "mlflow", "tensorboard"])
    kinds = [one["type"] for one in cfg.visualizer.vis_backends]
    assert kinds[:3] == ["LocalVisBackend", "TensorboardVisBackend", "MLflowVisBackend"]
    assert cfg.visualizer.vis_backends[2]["run_name"] == "run_1"
    with pytest.raises(FishdetError, match="--log-to wandb needs a package: pip install wandb"):
        add_trackers(cfg, ["wandb"])
    with pytest.raises(FishdetError, match="--log-to tensorbord: unknown; there are tensorboard"):
        add_trackers(cfg, ["tensorbord"])
