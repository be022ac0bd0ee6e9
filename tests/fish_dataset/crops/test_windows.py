"""Crops against hand-computed places and pixels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fish_dataset.coco import read_coco
from fish_dataset.crops.proposals import read_proposals
from fish_dataset.crops.windows import GREY, bounds, cut, ious, jittered
from fish_dataset.errors import FishDataError


def test_margin_ends_at_the_picture() -> None:
    assert bounds(np.array([10, 20, 30, 60]), 0.1, (100, 100)) == (8, 16, 32, 64)
    assert bounds(np.array([0, 0, 100, 50]), 0.5, (100, 100)) == (0, 0, 100, 75)
    assert bounds(np.array([120, 130, 140, 150]), 0.1, (100, 100)) == (99, 99, 100, 100)


def test_a_long_fish_keeps_its_shape() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    image[40:50, 20:100] = 200  # 80 long, 10 high
    crop = cut(image, np.array([20, 40, 100, 50]), (64, 64), margin=0.0)
    assert crop.shape == (64, 64, 3)
    rows = np.flatnonzero((crop == 200).all((1, 2)))
    assert rows.tolist() == list(range(28, 36))  # 8 rows in the middle
    assert (crop[0] == GREY).all() and (crop[-1] == GREY).all()


@settings(max_examples=50, deadline=None)
@given(st.tuples(*[st.floats(-50, 150) for _ in range(4)]))
def test_any_box_gives_a_crop(box: tuple[float, float, float, float]) -> None:
    image = np.zeros((60, 80, 3), np.uint8)
    assert cut(image, np.array(box), (32, 24)).shape == (24, 32, 3)


def test_jitter_stays_near_and_follows_its_seed() -> None:
    box = np.array([10.0, 20.0, 110.0, 60.0])
    drawn = np.stack([jittered(box, 0.05, np.random.default_rng(seed)) for seed in range(500)])
    assert np.abs(drawn - box).max() <= 0.1 * 100
    assert 0.8 < ious(box, drawn).mean() < 0.92
    assert np.array_equal(drawn[3], jittered(box, 0.05, np.random.default_rng(3)))


def test_ious_by_hand() -> None:
    found = ious(
        np.array([0.0, 0, 10, 10]), np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]])
    )
    assert found == pytest.approx([1, 1 / 3, 0])


def test_proposals_go_to_the_fish_that_they_show(tmp_path: Path) -> None:
    boxes = [
        {"id": k + 1, "image_id": 7, "category_id": 1, "bbox": box, "area": 400, "iscrowd": 0}
        for k, box in enumerate([[0, 0, 20, 20], [50, 50, 20, 20]])
    ]
    document = {
        "images": [{"id": 7, "file_name": "a.jpg", "width": 100, "height": 100}],
        "annotations": boxes,
        "categories": [{"id": 1, "name": "eel"}],
    }
    (tmp_path / "train.json").write_text(json.dumps(document))
    data, _ = read_coco(tmp_path / "train.json", check_images=False)
    results = [
        {"image_id": 7, "bbox": [1, 0, 20, 20], "score": 0.9},
        {"image_id": 7, "bbox": [0, 10, 20, 20], "score": 0.9},  # IoU 1/3: shows it by half
        {"image_id": 7, "bbox": [50, 52, 20, 20], "score": 0.01},  # the detector doubts it
        {"image_id": 9, "bbox": [0, 0, 20, 20], "score": 0.9},
    ]
    path = tmp_path / "results.json"
    path.write_text(json.dumps(results))
    views = read_proposals(path, data)
    assert {row: boxes.tolist() for row, boxes in views.items()} == {0: [[1, 0, 21, 20]]}
    path.write_text('[{"image_id": 7}]')
    with pytest.raises(FishDataError, match="no COCO results"):
        read_proposals(path, data)
    with pytest.raises(FishDataError, match="missing.json"):
        read_proposals(tmp_path / "missing.json", data)
