"""A detector of MMDetection's own parts, small, with random weights, saved as mmengine saves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import save_checkpoint
from small_rcnn import CLASSES, CONFIG, random_model

from fishdet.checkpoint.papers import checkpoint_papers

# Weights that cannot be had: an opened checkpoint must not ask for them.
NOWHERE = """
model['backbone']['init_cfg'] = dict(type='Pretrained', checkpoint='http://nowhere.invalid/r18.pth')
model['test_cfg']['rpn'] = dict(nms_pre=200, max_per_img=100)
"""


@dataclass(frozen=True)
class Tiny:
    """A checkpoint, its config, and its state."""

    path: Path
    config_file: Path
    cfg: Config
    state: dict[str, torch.Tensor]

    def saved_as(self, path: Path, meta: dict[str, object]) -> Path:
        """Save the weights with other papers."""
        save_checkpoint({"meta": meta, "state_dict": self.state}, str(path))
        return path

    def with_config(self, path: Path, cfg: Config, classes: tuple[str, ...] = CLASSES) -> Path:
        """Save the weights with another config."""
        papers = checkpoint_papers(cfg, {"classes": classes, "train": {"sha256": "0" * 64}})
        return self.saved_as(path, {"fishdet": papers, "dataset_meta": {"classes": classes}})


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """The checkpoint; its head is scaled up so that scores spread instead of tying."""
    folder = tmp_path_factory.mktemp("tiny")
    config_file = folder / "config.py"
    config_file.write_text(CONFIG + NOWHERE)
    cfg = Config.fromfile(config_file)
    model_config = cfg.model.copy()
    model_config.backbone.init_cfg = None
    model = random_model(model_config)
    tiny = Tiny(folder / "model.pth", config_file, cfg, model.state_dict())
    tiny.with_config(tiny.path, cfg)
    return tiny


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three pictures, two of one size, with shapes on them."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    paths = []
    for index, size in enumerate([(120, 160), (120, 160), (200, 150)]):
        image = rng.integers(0, 60, (*size, 3), dtype=np.uint8)
        for _ in range(6):
            centre = [int(value) for value in rng.integers(10, 140, 2)]
            colour = [int(value) for value in rng.integers(60, 255, 3)]
            cv2.ellipse(image, centre, (30, 12), int(rng.integers(180)), 0, 360, colour, -1)
        paths.append(folder / f"{index}.png")
        cv2.imwrite(str(paths[-1]), image)
    return paths
