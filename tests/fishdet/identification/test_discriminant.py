"""The closed form against its definition, and a network that starts from it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.structures import BaseDataElement
from scipy.linalg import eigh

from fishdet.config import load_config
from fishdet.identification.discriminant import discriminant
from fishdet.identification.starting import DiscriminantStart

ROOT = Path(__file__).resolve().parents[3]


def species(seed: int = 0, each: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Four species that differ along two of six features, which scatter unevenly."""
    rng = np.random.default_rng(seed)
    means = np.zeros((4, 6))
    means[:, 0], means[:, 1] = (0, 1, 0, 1), (0, 0, 1, 1)
    labels = np.repeat(np.arange(4), each)
    scatter = rng.normal(0, 1, (len(labels), 6)) * (0.2, 0.2, 4, 3, 2, 1)
    return (means[labels] + scatter).astype(np.float32), labels


def test_it_is_fishers() -> None:
    features, labels = species()
    found = discriminant(features, labels, 4, 3, shrinkage=0.0)
    mine = ((features - found.centre) / found.spread) @ found.weight.T
    means = np.stack([features[labels == label].mean(0) for label in range(4)])
    within = np.cov((features - means[labels]).T, bias=True)
    _, axes = eigh(np.cov(means.T, bias=True), within)  # the generalised eigenproblem
    theirs = features @ axes[:, ::-1]
    for axis in (0, 1):  # the third axis parts nothing
        assert abs(np.corrcoef(mine[:, axis], theirs[:, axis])[0, 1]) > 0.999
    within = mine - np.stack([mine[labels == label].mean(0) for label in range(4)])[labels]
    assert np.cov(within.T, bias=True) == pytest.approx(np.eye(3), abs=1e-3)
    assert found.lengths == pytest.approx(mine.std(0), rel=1e-4)
    assert found.means[2] == pytest.approx(mine[labels == 2].mean(0), abs=1e-4)


def test_more_directions_than_species_and_a_species_without_crops() -> None:
    features, labels = species()
    found = discriminant(features, labels, 6, 5)
    assert found.weight.shape == (5, 6) and np.isfinite(found.weight).all()
    assert not found.means[4:].any() and found.means[:4].any(1).all()
    with pytest.raises(ValueError, match="1 species"):
        discriminant(features, np.zeros_like(labels), 1, 2)


class Crops(torch.utils.data.Dataset):
    """Pictures of two species: one dark, one light."""

    labels = np.arange(24) % 2

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict[str, Any]:
        rng = np.random.default_rng(index)
        level = 60 + 120 * int(self.labels[index])
        pixels = np.clip(rng.normal(level, 20, (3, 32, 32)), 0, 255).astype(np.uint8)
        sample = BaseDataElement(gt_label=torch.tensor([int(self.labels[index])]))
        return {"inputs": torch.from_numpy(pixels), "data_samples": sample}


def test_a_network_starts_from_it_and_not_when_it_is_loaded() -> None:
    cfg = load_config(ROOT / "configs/identification/embedder_effnet-lite0_arcface_fish.py")
    cfg.model.backbone.weights = "none"
    cfg.model.head.num_classes, cfg.model.dimensions = 2, 4
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    before = model.project.weight.clone()
    loader = SimpleNamespace(dataset=Crops(), num_workers=0)
    said: list[str] = []
    runner = SimpleNamespace(
        iter=0, _resume=False, _load_from="a.pth", model=model, train_dataloader=loader,
        logger=SimpleNamespace(info=said.append),
    )  # fmt: skip
    hook = DiscriminantStart()
    hook.before_train(runner)
    assert torch.equal(model.project.weight, before) and not said
    runner._load_from = None
    hook.before_train(runner)
    assert "24 crops" in said[0] and model.training
    model.eval()
    data = Crops()
    inputs = model.data_preprocessor({"inputs": [data[k]["inputs"] for k in range(24)]})["inputs"]
    with torch.no_grad():
        chances = model.head.scores(model.embed(inputs))
    assert (chances.argmax(1).numpy() == data.labels).all()
