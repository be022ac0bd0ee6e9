"""Test-time augmentation: the views of a config's pipeline, and boxes fused by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS, TRANSFORMS
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.structures import InstanceData
from torch import nn

import fishdet.registered  # noqa: F401  (registers FusedViewsTTA)
from fishdet.config import load_config, set_img_scale
from fishdet.errors import FishdetError
from fishdet.testing_views import add_views

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "configs/faster_rcnn/faster-rcnn_r50_fpn_1x_fish.py"


class Echo(nn.Module):
    """Answers as many views as it was given, one after the other."""

    def __init__(self, answers: list[DetDataSample]) -> None:
        super().__init__()
        self.answers = list(answers)

    def test_step(self, data: object) -> list[DetDataSample]:
        return [self.answers.pop(0)]


def seen(
    boxes: list[list[float]], scores: list[float], labels: list[int], flip: bool = False
) -> DetDataSample:
    """What one view of a picture of 100 × 200 pixels gives."""
    meta = dict(ori_shape=(100, 200), flip=flip, flip_direction="horizontal" if flip else None)
    sample = DetDataSample(metainfo=meta)
    sample.pred_instances = InstanceData(
        bboxes=torch.tensor(boxes).reshape(-1, 4),
        scores=torch.tensor(scores),
        labels=torch.tensor(labels, dtype=torch.long),
    )
    return sample


def fused(*views: DetDataSample, limit: int = 100) -> InstanceData:
    model = MODELS.build(
        dict(
            type="FusedViewsTTA",
            module=Echo(list(views)),
            tta_cfg=dict(iou_thr=0.55, max_per_img=limit),
        )
    )
    return model.test_step([[None] * len(views)])[0].pred_instances


def test_boxes_of_one_fish_become_their_mean_by_score() -> None:
    found = fused(seen([[10, 10, 50, 50]], [0.9], [0]), seen([[16, 10, 56, 50]], [0.3], [0]))
    # weights 0.9 and 0.3: x from 10 + 6 / 4, score (0.9 + 0.3) / 2
    np.testing.assert_allclose(found.bboxes.numpy(), [[11.5, 10, 51.5, 50]], atol=1e-4)
    np.testing.assert_allclose(found.scores.numpy(), [0.6], atol=1e-6)


def test_what_one_view_of_two_finds_counts_half_and_species_stay_apart() -> None:
    found = fused(
        seen([[10, 10, 50, 50], [100, 20, 140, 60]], [0.8, 0.5], [1, 2]),
        seen([[10, 10, 50, 50]], [0.6], [3]),
    )
    assert found.labels.tolist() == [1, 3, 2]
    np.testing.assert_allclose(found.scores.numpy(), [0.4, 0.3, 0.25], atol=1e-6)


def test_a_mirrored_view_is_turned_back() -> None:
    found = fused(
        seen([[10, 10, 50, 50]], [0.8], [0]), seen([[150, 10, 190, 50]], [0.8], [0], flip=True)
    )
    np.testing.assert_allclose(found.bboxes.numpy(), [[10, 10, 50, 50]], atol=1e-4)
    np.testing.assert_allclose(found.scores.numpy(), [0.8], atol=1e-6)


def test_no_box_in_any_view_and_the_limit() -> None:
    none = fused(seen([], [], []), seen([], [], []))
    assert none.bboxes.shape == (0, 4) and len(none.scores) == len(none.labels) == 0
    boxes = [[20.0 * i, 0.0, 20.0 * i + 10, 10.0] for i in range(5)]
    view = seen(boxes, [0.1, 0.5, 0.3, 0.2, 0.4], [0] * 5)
    assert fused(view, limit=2).bboxes[:, 0].tolist() == [20.0, 80.0]


def test_each_size_is_seen_as_it_is_and_mirrored(tmp_path: Path) -> None:
    cfg = load_config(CONFIG)
    module = cfg.model
    add_views(cfg, (0.5, 1))
    assert cfg.model.type == "FusedViewsTTA" and cfg.model.module == module
    *before, views = cfg.test_dataloader.dataset.pipeline
    assert [step["type"] for step in before] == ["LoadImageFromFile"]
    made = TRANSFORMS.build(views)(
        dict(img=np.zeros((600, 800, 3), np.uint8), img_shape=(600, 800), ori_shape=(600, 800),
             img_id=1, img_path="a.jpg", instances=[])
    )  # fmt: skip
    sizes = [sample.img_shape for sample in made["data_samples"]]
    flips = [sample.flip for sample in made["data_samples"]]
    w, h = cfg.img_scale
    assert len(made["inputs"]) == 4 and flips == [False, True] * 2
    assert sizes[0] == sizes[1] and sizes[2] == sizes[3]
    assert max(sizes[2]) == max(w, h) or min(sizes[2]) == min(w, h)
    assert sizes[0][0] == pytest.approx(sizes[2][0] / 2, abs=32)


def test_a_configs_own_tta_goes_first() -> None:
    cfg = Config(
        dict(
            model=dict(type="RetinaNet"),
            tta_model=dict(type="DetTTAModel"),
            tta_pipeline=[dict(type="Mine")],
            test_dataloader=dict(dataset=dict(pipeline=[dict(type="Theirs")])),
        )
    )
    add_views(cfg)
    assert cfg.model.type == "DetTTAModel" and cfg.model.module.type == "RetinaNet"
    assert cfg.test_dataloader.dataset.pipeline == [dict(type="Mine")]


@pytest.mark.parametrize("sizes", [(0.0,), (1.0, -1.0), (5.0,), (float("nan"),), (1e-9,)])
def test_sizes_that_are_none_are_told(sizes: tuple[float, ...]) -> None:
    with pytest.raises(FishdetError, match=r"--tta-scales .*give factors .* from 0\.25 to 4"):
        add_views(load_config(CONFIG), sizes)


def test_sizes_that_are_one_in_pixels_are_told() -> None:
    cfg = load_config(CONFIG)
    set_img_scale(cfg, (896, 896))
    with pytest.raises(FishdetError, match="768×768, 768×768, 896×896; name each size once"):
        add_views(cfg, (0.85, 0.86, 1))
    cfg = load_config(CONFIG)
    set_img_scale(cfg, (896, 896))
    told = add_views(cfg, (0.86, 1))
    assert told == cfg.test_views
    assert "at 768×768, 896×896 px, as it is and mirrored (FusedViewsTTA)" in told


def test_sizes_beside_a_pipeline_of_the_config_are_refused() -> None:
    cfg = load_config(CONFIG)
    cfg.tta_pipeline = [dict(type="Mine")]
    with pytest.raises(FishdetError, match="--tta-scales: the config says by its tta_pipeline"):
        add_views(cfg, (0.86, 1))


def test_a_pipeline_without_resizing_is_told() -> None:
    cfg = Config(
        dict(
            model=dict(type="RetinaNet"),
            test_dataloader=dict(dataset=dict(pipeline=[dict(type="PackDetInputs")])),
        )
    )
    with pytest.raises(FishdetError, match="resizes nothing.*tta_pipeline"):
        add_views(cfg)
