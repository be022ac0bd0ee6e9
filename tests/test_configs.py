"""Every shipped config builds and looks at a picture (trap 9: ``KeyError: … registry``)."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmdet.registry import HOOKS, LOOPS, METRICS, MODELS, TRANSFORMS
from mmdet.structures import DetDataSample

from fishdet.binding import set_num_classes
from fishdet.config import load_config, nested_dicts

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = sorted(
    path.relative_to(ROOT)
    for path in (ROOT / "configs").rglob("*.py")
    if "_base_" not in path.parts
)


DETECTORS = [config for config in CONFIGS if "identification" not in config.parts]


def test_there_are_configs() -> None:
    assert Path("configs/fish.py") in CONFIGS


@pytest.mark.parametrize("config", DETECTORS, ids=str)
def test_model_builds_and_predicts(config: Path) -> None:
    cfg = load_config(ROOT / config)
    set_num_classes(cfg, 3)
    for part in nested_dicts(cfg.model):
        part.pop("init_cfg", None)
        if "weights" in part:
            part["weights"] = "none"
    model = MODELS.build(cfg.model).eval()
    sample = DetDataSample()
    sample.set_metainfo(dict(img_shape=(128, 128), ori_shape=(128, 128), scale_factor=(1.0, 1.0)))
    batch = dict(inputs=[torch.zeros(3, 128, 128, dtype=torch.uint8)], data_samples=[sample])
    with torch.no_grad():
        (result,) = model.test_step(batch)
    assert set(result.pred_instances.keys()) >= {"bboxes", "scores", "labels"}
    assert result.pred_instances.bboxes.shape[1] == 4


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_parts_are_registered(config: Path) -> None:
    cfg = load_config(ROOT / config)
    names = {
        t["type"]
        for loader in ("train_dataloader", "test_dataloader")
        for t in pipeline(cfg[loader])
    }
    assert names and all(TRANSFORMS.get(name) is not None for name in names)
    hooks = [*cfg.default_hooks.values(), *cfg.custom_hooks]
    assert all(HOOKS.get(hook["type"]) is not None for hook in hooks)
    assert LOOPS.get(cfg.train_cfg.type) is not None
    assert METRICS.get(cfg.val_evaluator.type) is not None


def pipeline(loader: dict) -> list[dict]:
    """Return the transforms of a loader's data set, wrapped or not."""
    return [t for part in nested_dicts(loader) for t in part.get("pipeline", [])]
