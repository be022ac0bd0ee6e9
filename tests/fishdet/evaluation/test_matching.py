"""One matching gives COCO's numbers, for any weights of the images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fishdet.evaluation import Detections, evaluate
from fishdet.evaluation.intervals.statistics import totals
from fishdet.evaluation.matching import match

NAMES = ("bbox_mAP", "bbox_mAP_50", "bbox_mAP_75", "bbox_AR_100")


def repeated(annotations, detections, counts):
    """A set that holds image ``i`` ``counts[i]`` times, with new ids."""
    rows = np.repeat(np.arange(len(counts)), counts)
    parts = [annotations.select_images([row]) for row in rows]
    boxes = [len(part.labels) for part in parts]
    truth = replace(
        annotations,
        image_ids=np.arange(1, len(rows) + 1),
        file_names=[f"{i}.jpg" for i in range(len(rows))],
        widths=np.full(len(rows), 640),
        heights=np.full(len(rows), 480),
        box_ids=np.arange(1, sum(boxes) + 1),
        box_image=np.repeat(np.arange(len(rows)), boxes),
        **{
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("bboxes", "labels", "crowd", "ignore", "areas")
        },
    )
    found = []
    for new, row in enumerate(rows):
        own = detections.image_row == row
        found.append((new, detections.bboxes[own], detections.scores[own], detections.labels[own]))
    return truth, Detections.from_images(found)


@pytest.mark.parametrize(
    "options",
    [
        {"seed": 0},
        {"seed": 1, "regions": 0.15},
        {"seed": 3, "regions": 0.1, "decimals": 2, "images": 30, "per_image": 150},
    ],
    ids=["plain", "crowd and ignore", "crowd and ties"],
)
def test_weights_of_one_give_pycocotools(random_case, reference, options):
    annotations, detections = random_case(**options)
    stats, per_class = reference(annotations, detections)
    whole, each = totals(match(annotations, detections), np.ones((1, annotations.num_images)))
    np.testing.assert_allclose(
        [whole[name][0] for name in NAMES], stats[[0, 1, 2, 8]], rtol=0, atol=1e-9
    )
    np.testing.assert_allclose(np.nan_to_num(each["AP"][0], nan=-1), per_class, rtol=0, atol=1e-9)


@given(seed=st.integers(0, 999))
@settings(max_examples=15, deadline=None)
def test_a_weight_is_a_number_of_copies(random_case, seed):
    annotations, detections = random_case(seed=seed, images=8, per_image=15, boxes=40, regions=0.1)
    counts = np.random.default_rng(seed).integers(0, 4, annotations.num_images)
    counts[0] += 1
    expected = evaluate(*repeated(annotations, detections, counts)).totals
    weights = np.stack([np.ones_like(counts), counts])  # a resample does not see another
    got, _ = totals(match(annotations, detections), weights)
    np.testing.assert_allclose(
        [got[name][1] for name in NAMES], [expected[name] for name in NAMES], rtol=0, atol=1e-9
    )


def test_no_detections_and_no_boxes(make_annotations):
    annotations = make_annotations([(0, 0, 10, 10, 50, 50)], 2)
    whole, each = totals(match(annotations, Detections.empty()), np.array([[1, 1], [0, 2]]))
    assert whole["bbox_mAP"][0] == 0.0 and np.isnan(whole["bbox_mAP"][1])
    np.testing.assert_array_equal(each["AP50"], [[0, np.nan, np.nan], [np.nan] * 3])
