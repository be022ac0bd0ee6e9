"""Box rules against loops over all pairs, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fish_dataset import Annotations
from fish_dataset.checks.shapes import (
    MAX_OVERLAPS,
    box_pairs,
    overlapping_pairs,
    robust_z,
    shape_numbers,
    whole_picture,
)


def annotations(boxes: list[tuple], images: int = 2, size: int = 100) -> Annotations:
    """``boxes`` of (image, label, x, y, w, h[, crowd])."""
    boxes = sorted(boxes, key=lambda box: box[0])
    columns = np.array([box[2:6] for box in boxes], dtype=float).reshape(-1, 4)
    count = len(boxes)
    return Annotations(
        classes=("eel", "salmon"),
        image_ids=np.arange(1, images + 1),
        file_names=[f"{row}.jpg" for row in range(images)],
        widths=np.full(images, size),
        heights=np.full(images, size),
        box_ids=np.arange(1, count + 1),
        box_image=[box[0] for box in boxes],
        bboxes=columns,
        labels=[box[1] for box in boxes],
        crowd=[len(box) > 6 and box[6] for box in boxes],
        ignore=np.zeros(count, bool),
        areas=columns[:, 2] * columns[:, 3],
    )


sides = st.integers(1, 30)
places = st.integers(0, 60)
box = st.tuples(st.integers(0, 1), st.integers(0, 1), places, places, sides, sides)


@settings(max_examples=80, deadline=None)
@given(st.lists(box, max_size=12))
def test_overlapping_pairs_are_those_of_all_pairs(boxes):
    data = annotations(boxes)
    b, image = data.bboxes, data.box_image
    expected = set()
    for i in range(len(b)):
        for j in range(i):
            low = np.maximum(b[i, :2], b[j, :2])
            high = np.minimum(b[i, :2] + b[i, 2:], b[j, :2] + b[j, 2:])
            if image[i] == image[j] and (high > low).all():
                expected.add(frozenset((i, j)))
    found = [
        frozenset(pair)
        for first, second in overlapping_pairs(data)
        for pair in zip(first.tolist(), second.tolist(), strict=True)
    ]
    assert set(found) == expected and len(found) == len(expected)


def test_each_rule_by_hand():
    data = annotations(
        [
            (0, 0, 10, 10, 40, 40),
            (0, 0, 11, 10, 40, 40),  # IoU 39 / 41
            (0, 1, 10, 11, 40, 40),  # the same of another class, twice
            (1, 0, 20, 20, 10, 10),  # inside the next one
            (1, 0, 10, 10, 60, 60),
            (1, 1, 22, 22, 5, 5),  # inside both, of another class
        ]
    )
    pairs = {rule: found.tolist() for rule, found in box_pairs(data).items()}
    assert pairs["box-duplicate"] == [[0, 1]]
    assert pairs["box-two-classes"] == [[0, 2]]
    assert pairs["box-nested"] == [[4, 3]]


def test_crowds_take_no_part():
    data = annotations([(0, 0, 0, 0, 100, 100, True), (0, 0, 0, 0, 100, 100, True)])
    assert not any(len(found) for found in box_pairs(data).values())
    assert not whole_picture(data).any()


def test_boxes_as_large_as_the_picture():
    data = annotations([(0, 0, 0, 0, 96, 97), (0, 0, 0, 0, 94, 100), (0, 0, 2, 2, 98, 98)])
    assert whole_picture(data).tolist() == [True, False, True]


def test_a_crowded_picture_costs_no_square():
    count = 12_000
    random = np.random.default_rng(0)
    boxes = [(0, 0, x, y, 50, 1) for x, y in random.uniform(0, 40, (count, 2)).tolist()]
    boxes.append(boxes[17])  # a copy far from its original in the list
    data = annotations(boxes)
    met = [first for first, _ in overlapping_pairs(data)]
    assert len(met) > 1 and np.bincount(np.concatenate(met)).max() <= MAX_OVERLAPS
    assert [17, count] in box_pairs(data)["box-duplicate"].tolist()


def test_a_heap_of_equal_boxes_names_each_once():
    data = annotations([(0, 0, 5, 5, 20, 20)] * 1000)
    pairs = box_pairs(data)["box-duplicate"]
    assert pairs[:, 1].tolist() == list(range(1, 1000))


def test_no_box_at_all():
    data = annotations([])
    assert all(found.shape == (0, 2) for found in box_pairs(data).values())
    assert robust_z(np.zeros(0), np.zeros(0, int))[0].shape == (0,)


def test_shape_numbers_by_hand():
    numbers = shape_numbers(annotations([(0, 0, 0, 0, 20, 5)]))
    assert numbers["box-odd-shape"].tolist() == [4.0]
    assert numbers["box-odd-size"][0] == pytest.approx(0.1)


def test_outliers_are_measured_within_their_class():
    random = np.random.default_rng(0)
    values = np.exp(random.normal(0, 0.5, 400))
    labels = np.repeat([0, 1], 200)
    values[labels == 1] *= 100
    values[7] = 100.0  # usual in class 1, not in class 0
    z, medians = robust_z(values, labels)
    logs = np.log(values[:200])
    spread = 1.4826 * np.median(np.abs(logs - np.median(logs)))
    assert z[7] == pytest.approx(abs(np.log(100) - np.median(logs)) / spread)
    assert z[7] > 5 and (np.delete(z, 7) < 5).all()
    assert medians[300] == pytest.approx(np.median(values[200:]))


def test_few_or_equal_boxes_make_no_outlier():
    few = robust_z(np.array([1.0] * 28 + [50.0]), np.zeros(29, int))[0]
    equal = robust_z(np.array([1.0] * 60 + [1.5]), np.zeros(61, int))[0]
    assert not few.any() and equal.max() < 5
