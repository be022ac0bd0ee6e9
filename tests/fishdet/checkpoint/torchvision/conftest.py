"""Pairs of one network in torchvision and mmdet, in float64 so that no rounding decides an NMS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS
from mmdet.utils import register_all_modules
from mmengine.config import Config
from torch import nn
from torchvision.models import get_model

from fishdet.checkpoint.papers import config_to_json
from fishdet.checkpoint.torchvision import to_mmdet_state, torchvision_config
from fishdet.config import load_config, set_num_classes
from fishdet.inference.build import build_network

ROOT = Path(__file__).resolve().parents[4]
CLASSES = ("fish", "jellyfish", "penguin", "puffin", "shark", "starfish", "stingray")
SCALE, PROPOSALS = (192, 128), 30
NAMES = {"v1": "fasterrcnn_resnet50_fpn", "v2": "fasterrcnn_resnet50_fpn_v2"}
SHALLOW = dict(backbone=dict(depth=18, init_cfg=None), neck=dict(in_channels=[64, 128, 256, 512]))


def randomise(model: nn.Module, seed: int = 0) -> None:
    """Give a network batch norm statistics, and heads whose scores and boxes spread."""
    generator = torch.Generator().manual_seed(seed)
    heads = dict.fromkeys(("cls_logits", "rpn_cls"), 0.05)
    heads |= dict.fromkeys(("rpn.head.bbox_pred", "rpn_reg"), 0.02)
    heads |= dict.fromkeys(("cls_score", "fc_cls", "box_predictor.bbox_pred", "fc_reg"), 0.3)
    with torch.no_grad():
        for name, part in model.named_modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean.normal_(0, 0.1, generator=generator)
                part.running_var.uniform_(0.5, 2, generator=generator)
                part.weight.uniform_(0.5, 1.2, generator=generator)
                part.bias.normal_(0, 0.1, generator=generator)
            for end, deviation in heads.items():
                if name.endswith(end):
                    part.weight.normal_(0, deviation, generator=generator)
                    part.bias.normal_(0, 0.2, generator=generator)


def torchvision_model(version: str) -> nn.Module:
    """torchvision's own model with random weights."""
    torch.manual_seed(0)
    model = get_model(
        NAMES[version], weights=None, weights_backbone=None, num_classes=len(CLASSES) + 1,
        min_size=SCALE[1], max_size=SCALE[0], rpn_post_nms_top_n_test=PROPOSALS,
    )  # fmt: skip
    randomise(model)
    return model.eval()


def mmdet_model(version: str, state: dict[str, torch.Tensor]) -> tuple[Config, nn.Module]:
    """The same in mmdet, by the converted weights and the config for them."""
    cfg = Config(torchvision_config(version, len(CLASSES), img_scale=SCALE, classes=CLASSES))
    cfg.model.test_cfg.rpn.max_per_img = PROPOSALS
    return cfg, build_network(cfg, to_mmdet_state(state), "cpu")


def fish_model(path: str, **changes: Any) -> tuple[Config, nn.Module]:
    """A shipped config's model, with ResNet-18 and random weights."""
    register_all_modules(init_default_scope=True)
    cfg = load_config(ROOT / path)
    cfg.merge_from_dict({"model": SHALLOW})
    cfg.merge_from_dict(changes)
    cfg.model.test_cfg.rpn.max_per_img = PROPOSALS
    set_num_classes(cfg, len(CLASSES))
    cfg.test_dataloader.dataset.metainfo = dict(classes=CLASSES)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    randomise(model)
    return cfg, model.eval()


def save(path: Path, cfg: Config, model: nn.Module) -> Path:
    """Write a checkpoint of it."""
    papers = {"config": config_to_json(cfg), "classes": list(CLASSES)}
    torch.save({"state_dict": model.state_dict(), "meta": {"fishdet": papers}}, path)
    return path


@pytest.fixture(scope="module", params=["v1", "v2"])
def pair(request: pytest.FixtureRequest) -> tuple[nn.Module, Config, nn.Module]:
    """torchvision's model, and config and model of mmdet with its weights."""
    model = torchvision_model(request.param)
    return model, *mmdet_model(request.param, model.state_dict())


@pytest.fixture
def make_fish_model() -> Callable[..., tuple[Config, nn.Module]]:
    """``fish_model`` for tests."""
    return fish_model


@pytest.fixture
def save_model(tmp_path: Path) -> Callable[[Config, nn.Module], Path]:
    """Write a checkpoint of a model, with its config and classes."""
    return lambda cfg, model: save(tmp_path / "fish.pth", cfg, model)
