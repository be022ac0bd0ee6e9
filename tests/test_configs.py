"""Every shipped config builds and looks at a picture (trap 9: ``KeyError: … registry``)."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmdet.registry import HOOKS, LOOPS, METRICS, MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from small_models import SIDE, batch, shrink

from fishdet.config import load_config, nested_dicts, set_num_classes

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = sorted(
    path.relative_to(ROOT)
    for path in (ROOT / "configs").rglob("*.py")
    if "_base_" not in path.parts
)


DETECTORS = [config for config in CONFIGS if "identification" not in config.parts]


def test_there_are_configs() -> None:
    assert Path("configs/fish.py") in CONFIGS


# GRoIE has 20 times as much to compute as the others; tests/tvops runs it too.
QUICK = [
    pytest.param(config, marks=pytest.mark.slow) if "groie" in config.name else config
    for config in DETECTORS
]


@pytest.mark.parametrize("config", QUICK, ids=str)
def test_model_takes_a_step_and_predicts(config: Path) -> None:
    cfg = load_config(ROOT / config)
    set_num_classes(cfg, 3)
    if cfg.model.type == "TransformersDetector":
        pytest.importorskip("transformers", reason="needs the extra [transformers]")
    shrink(cfg.model)
    _step_and_predict(cfg)


@pytest.mark.slow
@pytest.mark.parametrize("config", DETECTORS, ids=str)
def test_model_takes_a_step_at_full_size(config: Path) -> None:
    cfg = load_config(ROOT / config)
    set_num_classes(cfg, 3)
    if cfg.model.type == "TransformersDetector":
        pytest.importorskip("transformers", reason="needs the extra [transformers]")
    for part in nested_dicts(cfg.model):
        part.pop("init_cfg", None)
        if "weights" in part:
            part["weights"] = None if part is cfg.model else "none"
    _step_and_predict(cfg, 320)


def _step_and_predict(cfg: Config, side: int = SIDE) -> None:
    with DefaultScope.overwrite_default_scope("mmdet"):
        model = MODELS.build(cfg.model)
    model.init_weights()  # DETR's embeddings are made of whatever the memory held before
    MessageHub.get_current_instance().update_info("epoch", 0)  # as a runner does; TOOD asks
    data = model.data_preprocessor(batch(side), training=True)
    loss, _ = model.train().parse_losses(model.loss(data["inputs"], data["data_samples"]))
    loss.backward()
    assert torch.isfinite(loss) and loss > 0
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
    with DefaultScope.overwrite_default_scope("mmdet"):
        build_optim_wrapper(model, cfg.optim_wrapper).step()
    with torch.no_grad():
        first, second = model.eval().test_step(batch(side))
    assert set(first.pred_instances.keys()) >= {"bboxes", "scores", "labels"}
    assert second.pred_instances.bboxes.shape[1] == 4
    assert (first.pred_instances.labels < 3).all()


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
