"""CopyPasteFish: boxes, labels, what is covered, what may be taken, in mmdet's own wrapper."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.registry import DATASETS, TRANSFORMS
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.config import Config

from fish_dataset.errors import FishDataError
from fish_dataset.transforms.copy_paste import free_fish

ROOT = Path(__file__).resolve().parents[3]


def sample(boxes: list, labels: list, value: int = 90, size: tuple[int, int] = (80, 100)) -> dict:
    image = np.full((*size, 3), value, np.uint8)
    for x1, y1, x2, y2 in np.array(boxes, int).reshape(-1, 4).tolist():
        image[y1:y2, x1:x2] = 250
    return {
        "img": image,
        "gt_bboxes": HorizontalBoxes(np.array(boxes, np.float32).reshape(-1, 4)),
        "gt_bboxes_labels": np.array(labels, np.int64),
        "gt_ignore_flags": np.zeros(len(labels), bool),
    }


def run(seed: int, target: dict, source: dict, **options: object) -> dict:
    np.random.seed(seed)
    data = copy.deepcopy({**target, "mix_results": [source]})
    return TRANSFORMS.build({"type": "CopyPasteFish", "mask": "ellipse", **options})(data)


SOURCE = sample([[20, 20, 50, 40], [60, 50, 80, 70]], [3, 1])


@given(seed=st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_every_pasted_box_frames_pixels_that_changed(seed: int) -> None:
    target = sample([], [])
    pasted = run(seed, target, SOURCE, harmonise=0.0, max_pasted=1)
    boxes = pasted["gt_bboxes"].numpy()
    changed = (pasted["img"] != target["img"]).any(-1)
    assert len(boxes) == 1 and pasted["gt_bboxes_labels"][0] in (1, 3)
    y, x = np.nonzero(changed)
    assert np.array_equal(boxes[0], [x.min(), y.min(), x.max() + 1, y.max() + 1])


@given(seed=st.integers(0, 2**31), max_pasted=st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_boxes_stay_inside_and_columns_agree(seed: int, max_pasted: int) -> None:
    target = sample([[0, 0, 30, 30], [50, 20, 99.5, 60.25]], [0, 2])
    result = run(seed, target, SOURCE, max_pasted=max_pasted)
    boxes = result["gt_bboxes"].numpy()
    assert result["img"].shape == target["img"].shape and result["img"].dtype == np.uint8
    assert boxes.dtype == np.float32
    assert len(boxes) == len(result["gt_bboxes_labels"]) == len(result["gt_ignore_flags"])
    assert (boxes[:, :2] >= 0).all() and (boxes[:, 2:] <= [100, 80]).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert result["gt_bboxes_labels"].dtype == np.int64


def test_same_seed_same_picture_and_the_inputs_stay() -> None:
    target, source = sample([[5, 5, 30, 30]], [0]), copy.deepcopy(SOURCE)
    first, again, other = (run(seed, target, source) for seed in (1, 1, 2))
    assert np.array_equal(first["img"], again["img"])
    assert np.array_equal(first["gt_bboxes"].numpy(), again["gt_bboxes"].numpy())
    assert not np.array_equal(first["img"], other["img"])
    assert np.array_equal(source["img"], SOURCE["img"])


def test_a_box_that_is_mostly_hidden_goes_and_one_that_shows_stays() -> None:
    """The only place for a fish as large as the picture is over everything."""
    source = sample([[5, 5, 95, 75]], [1])
    target = sample([[45, 35, 55, 45], [0, 0, 12, 10]], [0, 2])
    result = run(0, target, source, scale=(1.1, 1.1), flip=0, harmonise=0)
    assert result["gt_bboxes_labels"].tolist() == [2, 1]
    strict = run(0, target, source, scale=(1.1, 1.1), flip=0, harmonise=0, min_visible=1.0)
    assert strict["gt_bboxes_labels"].tolist() in ([1], [2, 1])


def test_the_place_that_hides_least_is_taken() -> None:
    target = sample([[0, 0, 100, 40]], [0])
    source = sample([[20, 20, 40, 35]], [1])
    hidden = 0
    for seed in range(20):
        result = run(seed, target, source, scale=(1, 1), max_pasted=1, tries=20)
        hidden += result["gt_bboxes"].numpy()[-1][1] < 40
    assert hidden <= 1


def test_only_whole_free_fish_are_taken() -> None:
    boxes = np.array(
        [
            [0, 10, 30, 30],  # cut by the edge
            [40, 10, 60, 30],  # free
            [70, 10, 90, 30],  # under its neighbour
            [75, 10, 95, 30],
            [40, 50, 45, 70],  # narrow
        ],
        np.float32,
    )
    assert free_fish(boxes, (80, 100, 3), 12).tolist() == [1]
    assert free_fish(np.zeros((0, 4), np.float32), (80, 100, 3), 12).tolist() == []


def test_ignored_fish_and_empty_partners_change_nothing() -> None:
    target = sample([[5, 5, 30, 30]], [0])
    ignored = copy.deepcopy(SOURCE)
    ignored["gt_ignore_flags"][:] = True
    for source in (ignored, sample([], [])):
        result = run(1, target, source)
        assert np.array_equal(result["img"], target["img"]) and len(result["gt_bboxes"]) == 1
    none = TRANSFORMS.build({"type": "CopyPasteFish"})({**target, "mix_results": []})
    assert none["img"] is target["img"]


def test_plain_arrays_of_boxes_come_back_as_arrays() -> None:
    target, source = sample([[5, 5, 30, 30]], [0]), copy.deepcopy(SOURCE)
    for part in (target, source):
        part["gt_bboxes"] = part["gt_bboxes"].numpy()
    result = run(1, target, source)
    assert isinstance(result["gt_bboxes"], np.ndarray) and len(result["gt_bboxes"]) >= 2


def test_wrong_places_in_a_pipeline_are_told() -> None:
    transform = TRANSFORMS.build({"type": "CopyPasteFish"})
    with pytest.raises(FishDataError, match="MultiImageMixDataset"):
        transform(sample([], []))
    with pytest.raises(FishDataError, match="gt_masks"):
        transform({**sample([], []), "mix_results": [], "gt_masks": None})


def fish_dataset(root: Path) -> dict:
    return {
        "type": "FishDataset",
        "data_root": str(root),
        "ann_file": "train.json",
        "data_prefix": {"img": "images/"},
        "pipeline": [
            {"type": "LoadImageFromFile"},
            {"type": "LoadAnnotations", "with_bbox": True},
        ],
    }


def test_in_mmdets_wrapper_around_fishdataset(drawn_data: Path) -> None:
    wrapped = DATASETS.build(
        {
            "type": "MultiImageMixDataset",
            "dataset": fish_dataset(drawn_data),
            "pipeline": [
                {"type": "CopyPasteFish", "prob": 1.0, "min_size": 8},
                {"type": "PackDetInputs"},
            ],
        }
    )
    plain = DATASETS.build(fish_dataset(drawn_data))
    np.random.seed(0)
    packed = [wrapped[index]["data_samples"].gt_instances for index in range(len(wrapped))]
    before = [len(plain[index]["gt_bboxes"]) for index in range(len(plain))]
    after = [len(instances.bboxes) for instances in packed]
    assert sum(after) > sum(before)
    assert all(len(i.labels) == len(i.bboxes) for i in packed)


def test_prob_is_the_share_of_pictures_that_get_a_partner(drawn_data: Path) -> None:
    dataset = DATASETS.build(fish_dataset(drawn_data))
    transform = TRANSFORMS.build({"type": "CopyPasteFish", "prob": 0.25})
    np.random.seed(1)
    found = [transform.get_indexes(dataset) for _ in range(400)]
    assert 0.17 < sum(map(bool, found)) / 400 < 0.33
    assert all(0 <= index < len(dataset) for indexes in found for index in indexes)


def test_water_augment_composes_with_the_default_config(drawn_data: Path, tmp_path: Path) -> None:
    bases = [ROOT / "configs/fish.py", ROOT / "configs/_base_/datasets/water_augment.py"]
    path = tmp_path / "leaf.py"
    path.write_text(
        f"_base_ = {[str(base) for base in bases]}\n"
        "pipeline = _base_.train_pipeline\n"
        "train_dataloader = dict(dataset=dict("
        "pipeline=[*pipeline[:3], *_base_.water_augment, *pipeline[3:]]))\n"
    )
    dataset = Config.fromfile(path).train_dataloader.dataset
    dataset.update(data_root=str(drawn_data), ann_file="train.json")
    dataset = DATASETS.build(dataset)
    names = [type(transform).__name__ for transform in dataset.pipeline.transforms]
    assert names[3:6] == ["WaterColumn", "Caustics", "MarineSnow"]
    np.random.seed(0)
    first = dataset[0]["inputs"]
    np.random.seed(0)
    assert (dataset[0]["inputs"] == first).all()
