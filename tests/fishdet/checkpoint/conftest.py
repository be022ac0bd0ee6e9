"""A run's folder without the training: a tiny detector with random weights, and its records."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from faulty_server import page, web  # noqa: F401
from mmdet.registry import MODELS
from mmdet.utils import register_all_modules
from mmengine.config import Config
from mmengine.runner import save_checkpoint

from fish_dataset.coco import read_classes
from fish_dataset.files import file_sha256
from fishdet.binding import bind
from fishdet.checkpoint.papers import checkpoint_papers
from fishdet.checkpoint.publishing.model_papers import PublishOptions
from fishdet.checkpoint.publishing.publish import publish
from fishdet.config import load_config

ITERATION = 12


def tiny_network(config: Path, data: Path) -> tuple[Config, torch.nn.Module]:
    """The bound config and a network whose heads are scaled up so that scores spread."""
    cfg = load_config(config)
    bind(cfg, data)
    register_all_modules(init_default_scope=True)
    torch.manual_seed(0)
    network = MODELS.build(cfg.model)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if any(part in name for part in ("fc_cls", "rpn_cls", "fc_reg")):
                parameter.normal_(0, 0.5)
    return cfg, network


def records(data: Path, names: tuple[str, ...]) -> tuple[dict, dict]:
    """metrics.json and environment.json as a run writes them."""
    species = [
        {"name": name, "AP": 0.1 * index, "AP50": 0.2, "AR": 0.3, "images": 4, "boxes": 40 - index,
         "detections": 9}
        for index, name in enumerate(names)
    ]  # fmt: skip
    rows = [
        {"epoch": 1, "iter": ITERATION // 2, "coco/bbox_mAP": 0.9, "species": []},
        {"epoch": 2, "iter": ITERATION, "coco/bbox_mAP": 0.25, "coco/bbox_mAP_50": 0.5,
         "coco/bbox_mAP_s": 0.05, "coco/bbox_mAP_l": None, "species": species},
    ]  # fmt: skip
    train = {"ann_file": str(data / "train.json"), "sha256": file_sha256(data / "train.json")}
    environment = {
        "time": "2026-01-01T00:00:00+00:00",
        "command": ["tools/train.py", "configs/fish.py", f"--work-dir={data}/run", str(data)],
        "commit": "0" * 40,
        "seed": 1,
        "versions": {"torch": torch.__version__},
        "data": {"train": {**train, "images": 12}},
    }
    return {"train": [], "val": rows}, environment


@pytest.fixture(scope="session")
def run_checkpoint(
    tmp_path_factory: pytest.TempPathFactory, tiny_config: Path, drawn_data: Path
) -> Path:
    """A checkpoint in the folder of such a run, which tests leave as it is."""
    folder = tmp_path_factory.mktemp("run")
    cfg, network = tiny_network(tiny_config, drawn_data)
    names = read_classes(drawn_data / "train.json")
    metrics, environment = records(drawn_data, names)
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "environment.json").write_text(json.dumps(environment))
    train = {"sha256": file_sha256(drawn_data / "train.json")}
    papers = checkpoint_papers(cfg, {"classes": names, "train": train})
    meta = {"iter": ITERATION, "epoch": 2, "experiment_name": "tiny_20260101_000000"}
    meta |= {"fishdet": papers, "dataset_meta": {"classes": names}}
    state = {"meta": meta, "state_dict": network.state_dict(), "optimizer": {"x": torch.ones(9)}}
    save_checkpoint(state, str(folder / "best.pth"))
    return folder / "best.pth"


@pytest.fixture
def run_copy(run_checkpoint: Path, tmp_path: Path) -> Path:
    """The checkpoint of a copy of that folder, to change."""
    shutil.copytree(run_checkpoint.parent, tmp_path / "run")
    return tmp_path / "run" / "best.pth"


@pytest.fixture(scope="session")
def published(run_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint, published."""
    out = tmp_path_factory.mktemp("published")
    return publish(PublishOptions(run_checkpoint, out, licence="Apache-2.0")).file
