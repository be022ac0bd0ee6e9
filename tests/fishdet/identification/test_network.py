"""The margin head against its formula, and the network's sphere."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from mmdet.registry import METRICS, MODELS
from mmengine.structures import BaseDataElement
from torch.nn import functional as F

import fishdet.registered  # noqa: F401
from fishdet.config import load_config
from fishdet.errors import FishdetError
from fishdet.identification.network import CosineMarginHead, FishEmbedder

ROOT = Path(__file__).resolve().parents[3]
CONFIGS = sorted((ROOT / "configs" / "identification").glob("*.py"))


def head(**options: float) -> CosineMarginHead:
    torch.manual_seed(0)
    return CosineMarginHead(num_classes=3, dimensions=4, **options)


def test_loss_is_arcface() -> None:
    one = head(centres=1, margin=0.3, scale=8.0)
    points = F.normalize(torch.randn(5, 4), dim=1)
    labels = torch.tensor([0, 1, 2, 0, 1])
    total = 0.0
    for point, label in zip(points, labels.tolist(), strict=True):
        logits = []
        for species in range(3):
            centre = one.centres[species, 0] / one.centres[species, 0].norm()
            angle = math.acos(float(point @ centre))
            assert angle + 0.3 < math.pi
            logits.append(8.0 * math.cos(angle + 0.3 * (species == label)))
        total += math.log(sum(map(math.exp, logits))) - logits[label]
    assert one.loss(points, labels)["loss"].item() == pytest.approx(total / 5, rel=1e-4)


def test_the_nearest_of_a_species_centres_counts() -> None:
    two = head(centres=2)
    with torch.no_grad():
        two.centres[0] = torch.eye(4)[:2]
    cosines = two.cosines(torch.eye(4)[:2])
    assert cosines[:, 0].tolist() == pytest.approx([1, 1])


def test_the_true_logit_falls_with_the_angle_everywhere() -> None:
    one = head(centres=1, margin=0.5, scale=1.0)
    with torch.no_grad():
        one.centres.zero_()
        one.centres[:, 0] = torch.tensor([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    angles = torch.linspace(0, math.pi, 50)
    points = torch.stack([angles.cos(), angles.sin(), angles * 0, angles * 0], 1)
    losses = torch.stack([one.loss(p[None], torch.tensor([0]))["loss"] for p in points])
    assert (losses.diff() > -1e-6).all()


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_config_builds_learns_and_predicts(config: Path) -> None:
    cfg = load_config(config)
    cfg.model.backbone.weights = "none"
    cfg.model.head.num_classes = 3
    model = MODELS.build(cfg.model)
    assert isinstance(model, FishEmbedder) and METRICS.get(cfg.val_evaluator.type) is not None
    samples = [BaseDataElement(gt_label=torch.tensor([k % 3])) for k in range(4)]
    inputs = torch.randn(4, 3, 32, 32)
    losses = model(inputs, samples, mode="loss")
    losses["loss"].backward()
    assert torch.isfinite(losses["loss"])
    model.eval()
    with torch.no_grad():
        found = model(inputs, samples, mode="predict")
        points = model(inputs, mode="tensor")
    assert points.norm(dim=1).tolist() == pytest.approx([1.0] * 4, abs=1e-5)
    assert found[0].pred_scores.sum().item() == pytest.approx(1, abs=1e-5)


def test_wrong_settings_say_what_is_right() -> None:
    with pytest.raises(FishdetError, match="margin from 0"):
        head(margin=2.0)
    cfg = load_config(CONFIGS[0])
    cfg.model.backbone.weights = "none"
    cfg.model.channels = (64,)
    with pytest.raises(FishdetError, match=r"set model.channels=\[40, 112, 320\]"):
        MODELS.build(cfg.model)
