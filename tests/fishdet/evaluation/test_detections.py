"""What cannot be scored is refused with a count and a remedy."""

from __future__ import annotations

import numpy as np
import pytest

from fishdet.errors import FishdetError
from fishdet.evaluation import Detections, evaluate


def _four(**columns):
    usual = {
        "image_row": np.array([0, 0, 1, 1]),
        "bboxes": np.tile(np.float32([0, 0, 5, 5]), (4, 1)),
        "scores": np.float32([0.9, 0.8, 0.7, 0.6]),
        "labels": np.array([0, 1, 2, 0]),
    }
    return Detections(**{**usual, **columns})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"scores": np.float32([0.9, np.nan, np.nan, 1])},
            r"2 of 4 have scores that are NaN.*loss",
        ),
        ({"scores": np.float32([0.9, np.inf, 0.1, 1])}, r"1 of 4 have scores that are NaN or inf"),
        (
            {"scores": np.float32([0.9, -0.5, 0.1, 1])},
            r"1 of 4 have negative.*detection 1 .*sigmoid",
        ),
        ({"labels": np.array([0, 3, 79, 2])}, r"2 of 4 have labels outside 0…2.*num_classes"),
        ({"labels": np.array([0, 0, -1, 2])}, r"1 of 4 have labels outside 0…2"),
        ({"image_row": np.array([0, 1, 2, 2])}, r"2 of 4 have image rows outside 0…1"),
        ({"bboxes": np.full((4, 4), np.nan)}, r"4 of 4 have boxes with NaN"),
        ({"bboxes": np.zeros((4, 5))}, r"bboxes \(4, 5\), expected \(4, 4\)"),
        ({"scores": np.zeros(3)}, r"scores \(3,\), expected \(4,\)"),
    ],
)
def test_refused(make_annotations, columns, message):
    annotations = make_annotations([(0, 0, 0, 0, 5, 5)], 2)
    with pytest.raises(FishdetError, match=message):
        evaluate(annotations, _four(**columns))


def test_results_of_images_become_columns():
    boxes = np.float32([[0, 0, 4, 6], [1, 1, 2, 2]])
    joined = Detections.from_images(
        [
            (3, boxes, np.float32([0.5, 0.25]), np.int32([1, 0])),
            (4, [], [], []),
            (0, boxes[:1], np.float32([1]), np.int64([2])),
        ]
    )
    assert joined.image_row.tolist() == [3, 3, 0]
    assert joined.labels.tolist() == [1, 0, 2]
    assert joined.scores.tolist() == [0.5, 0.25, 1.0]
    assert joined.xywh().tolist() == [[0, 0, 4, 6], [1, 1, 1, 1], [0, 0, 4, 6]]
    assert len(Detections.from_images([])) == 0


def test_an_image_with_columns_of_different_length_is_named():
    with pytest.raises(FishdetError, match=r"image row 7: bboxes \(2, 4\), scores \(1,\)"):
        Detections.from_images([(7, np.zeros((2, 4)), [0.5], [0])])
