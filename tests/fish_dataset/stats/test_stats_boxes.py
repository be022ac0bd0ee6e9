"""Counts of boxes against counts made in plain Python."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fish_dataset.folder import Part, read_folder
from fish_dataset.stats.boxes import Boxes, classes_for, coverage, pool, presence, size_counts


@pytest.fixture
def folder(document: dict, write, draw, tmp_path: Path) -> Path:
    """Two splits; val names the classes in another order and has an ignored box."""
    write(document, "train.json")
    document["categories"] = [{"id": 1, "name": "salmon"}, {"id": 2, "name": "eel"}]
    document["images"] = document["images"][:2]
    for image in document["images"]:
        image["file_name"] = "v" + image["file_name"]
    document["annotations"][1]["ignore"] = 1
    write(document, "val.json")
    draw(tmp_path / "images", ["a.png", "b.png", "c.png", "va.png", "vb.png"])
    return tmp_path


def test_splits_are_pooled_by_class_name(folder: Path) -> None:
    boxes = pool(read_folder(folder))
    assert boxes.classes == ("eel", "salmon") and boxes.splits == ("train", "val")
    # train: one eel, two salmon; val: box 1 is a salmon, box 3 an eel, box 2 is ignored
    assert boxes.counts().tolist() == [[1, 1], [2, 1]]
    assert boxes.left_out == 1
    assert boxes.per_image.tolist() == [2, 1, 0, 2, 0]
    assert presence(boxes).tolist() == [[2, 2], [2, 3]]
    assert np.allclose(boxes.relative_wh[0], [20 / 64, 10 / 64])
    assert size_counts(boxes) == {"small": 5, "medium": 0, "large": 0}


def one_picture(rects: list[tuple[int, int, int, int]], size: int = 64) -> Boxes:
    xywh = np.array(rects, float).reshape(-1, 4)
    zeros = np.zeros(len(xywh), np.int64)
    return Boxes(
        ("fish",), ("train",), np.zeros(1, np.int64), ["a"], np.array([[size, size]], float),
        zeros, zeros, xywh, 0,
    )  # fmt: skip


@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(1, 64), st.integers(1, 64)),
        max_size=8,
    )
)
@settings(max_examples=60, deadline=None)
def test_coverage_equals_a_count_cell_by_cell(rects: list[tuple[int, int, int, int]]) -> None:
    rects = [(x, y, min(w, 64 - x), min(h, 64 - y)) for x, y, w, h in rects]
    cells = coverage(one_picture(rects), 16)
    for row in range(16):
        for column in range(16):
            left, top = column * 4, row * 4
            hits = sum(
                x < left + 4 and x + w > left and y < top + 4 and y + h > top
                for x, y, w, h in rects
            )
            assert cells[row, column] == pytest.approx(hits / max(len(rects), 1))


def test_classes_that_hold_nine_tenths() -> None:
    assert classes_for(np.array([90, 5, 5])) == 1
    assert classes_for(np.array([50, 5, 45])) == 2
    assert classes_for(np.array([1, 1, 1, 1])) == 4
    assert classes_for(np.zeros(3, int)) == 0


def test_size_limits_are_coco_s() -> None:
    boxes = one_picture([(0, 0, 32, 31), (0, 0, 32, 32), (0, 0, 96, 95), (0, 0, 96, 96)], 100)
    assert size_counts(boxes) == {"small": 1, "medium": 2, "large": 1}


@pytest.mark.parametrize("name", ["aquarium", "deepfish"])
def test_real_sets_against_a_walk_through_the_json(fishdet_data: Path, name: str) -> None:
    boxes = pool(read_folder(fishdet_data / name))
    together: dict[tuple[str, str], int] = {}
    counted: dict[str, int] = {}
    for split in ("train", "val"):
        document = json.loads((fishdet_data / name / f"{split}.json").read_text())
        names = {c["id"]: c["name"] for c in document["categories"]}
        seen: dict[int, set[str]] = {}
        for box in document["annotations"]:
            counted[names[box["category_id"]]] = counted.get(names[box["category_id"]], 0) + 1
            seen.setdefault(box["image_id"], set()).add(names[box["category_id"]])
        for there in seen.values():
            for one in there:
                for other in there:
                    together[one, other] = together.get((one, other), 0) + 1
    assert dict(zip(boxes.classes, boxes.counts().sum(1).tolist(), strict=True)) == counted
    matrix = presence(boxes)
    for i, one in enumerate(boxes.classes):
        for j, other in enumerate(boxes.classes):
            assert matrix[i, j] == together.get((one, other), 0)


def test_an_empty_part_is_no_trouble(folder: Path) -> None:
    parts = read_folder(folder)
    empty = {"val": Part(parts["val"].annotations.select_images([1]), parts["val"].image_dir)}
    boxes = pool(empty)
    assert len(boxes.image) == 0 and presence(boxes).sum() == 0 and coverage(boxes).sum() == 0
