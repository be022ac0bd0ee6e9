"""The scores are pycocotools' scores, and hold what their definition promises."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fishdet.errors import FishdetError
from fishdet.evaluation import Detections, evaluate

TOTALS = (
    "bbox_mAP", "bbox_mAP_50", "bbox_mAP_75", "bbox_mAP_s", "bbox_mAP_m", "bbox_mAP_l",
    "bbox_AR_1", "bbox_AR_10", "bbox_AR_100", "bbox_AR_s", "bbox_AR_m", "bbox_AR_l",
)  # fmt: skip


def _minus_one(value):
    return -1.0 if math.isnan(value) else value


def _assert_equals_reference(report, stats, per_class):
    assert tuple(report.totals) == TOTALS
    np.testing.assert_allclose([_minus_one(report.totals[t]) for t in TOTALS], stats, atol=1e-6)
    np.testing.assert_allclose(
        [_minus_one(r["AP"]) for r in report.per_class], per_class, atol=1e-6
    )


@pytest.mark.parametrize(
    "options",
    [
        {"seed": 0},
        {"seed": 1, "regions": 0.15},
        {"seed": 2, "decimals": 1},
        {"seed": 3, "regions": 0.1, "decimals": 2, "images": 30, "per_image": 150},
        {"seed": 4, "images": 4, "per_image": 1500, "boxes": 60},
    ],
    ids=["plain", "crowd and ignore", "ties", "crowd and ties", "more than 100 in an image"],
)
def test_equals_pycocotools(random_case, reference, options):
    annotations, detections = random_case(**options)
    assert len(detections) > 2000
    report = evaluate(annotations, detections)
    _assert_equals_reference(report, *reference(annotations, detections))
    assert 0.01 < report.totals["bbox_mAP"] < 0.99  # a comparison of nothing would hold too
    assert math.isnan(report.per_class[6]["AP"])


def test_equals_pycocotools_when_image_ids_are_not_in_order(random_case, reference):
    annotations, detections = random_case(seed=5, decimals=1)
    ids = np.random.default_rng(5).permutation(annotations.num_images * 3)[: annotations.num_images]
    shuffled = replace(annotations, image_ids=ids + 1)
    _assert_equals_reference(evaluate(shuffled, detections), *reference(shuffled, detections))


def test_average_precision_by_hand(make_annotations, make_detections):
    annotations = make_annotations([(0, 0, 10, 10, 50, 50), (1, 0, 10, 10, 50, 50)], 2)
    detections = make_detections(
        [
            (0, 0, 0.9, 10, 10, 50, 50),  # right: precision 1 up to recall 1/2
            (0, 0, 0.8, 300, 300, 50, 50),  # wrong
            (1, 0, 0.7, 10, 10, 50, 50),  # right: precision 2/3 at recall 1
        ]
    )
    row = evaluate(annotations, detections).per_class[0]
    expected = (51 * 1 + 50 * 2 / 3) / 101  # recall points 0…0.50 and 0.51…1
    assert row["AP"] == pytest.approx(expected, abs=1e-9)
    assert row["AP50"] == pytest.approx(expected, abs=1e-9)
    assert row["AR"] == 1.0
    assert (row["images"], row["boxes"], row["detections"]) == (2, 2, 3)


def test_iou_thresholds_by_hand(make_annotations, make_detections):
    annotations = make_annotations([(0, 1, 0, 0, 100, 100)], 1)
    report = evaluate(annotations, make_detections([(0, 1, 0.5, 0, 0, 100, 62)]))  # IoU 0.62
    assert report.totals["bbox_mAP"] == pytest.approx(0.3)  # right at 0.50, 0.55 and 0.60 of ten
    assert report.totals["bbox_mAP_50"] == 1.0
    assert report.totals["bbox_mAP_75"] == 0.0
    assert report.totals["bbox_mAP_l"] == pytest.approx(0.3)
    assert math.isnan(report.totals["bbox_mAP_s"])


@pytest.mark.parametrize("kind", ["crowd", "ignore"])
def test_detections_in_a_region_count_neither_way(make_annotations, make_detections, kind):
    boxes = [(0, 0, 0, 0, 50, 50), (0, 0, 200, 200, 200, 200)]
    found = make_detections([(0, 0, 0.9, 210, 210, 40, 40), (0, 0, 0.5, 0, 0, 50, 50)])
    with_region = evaluate(make_annotations(boxes, 1, **{kind: [1]}), found)
    assert with_region.per_class[0]["AP"] == 1.0
    assert with_region.per_class[0]["boxes"] == 1
    assert evaluate(make_annotations(boxes[:1], 1), found).per_class[0]["AP"] == pytest.approx(0.5)


def test_an_ignored_box_may_be_of_any_class(make_annotations, make_detections):
    """A fish of unknown species costs no species anything, nor does a loose box around it."""
    boxes = [(0, 0, 0, 0, 50, 50), (0, 1, 0, 100, 50, 50), (0, 0, 200, 200, 100, 100)]
    right = [(0, 0, 0.5, 0, 0, 50, 50), (0, 1, 0.5, 0, 100, 50, 50)]
    loose = [(0, label, 0.9, 180, 190, 110, 110) for label in (0, 1)]  # 74 % of it inside
    clean = evaluate(make_annotations(boxes[:2], 1), make_detections(right)).totals
    assert clean["bbox_mAP"] == 1.0
    ignored = evaluate(make_annotations(boxes, 1, ignore=[2]), make_detections(loose + right))
    assert ignored.totals["bbox_mAP"] == ignored.totals["bbox_mAP_75"] == 1.0
    crowd = evaluate(make_annotations(boxes, 1, crowd=[2]), make_detections(loose + right))
    assert crowd.totals["bbox_mAP"] < 0.9  # COCO's crowds belong to their class


def test_an_ignored_box_hides_no_counted_one(make_annotations, make_detections):
    """A fish inside an ignored school is found or missed as any other."""
    annotations = make_annotations([(0, 0, 10, 10, 50, 50), (0, 1, 0, 0, 300, 300)], 1, ignore=[1])
    found = make_detections([(0, 0, 0.9, 10, 10, 50, 50)])
    assert evaluate(annotations, found).totals["bbox_mAP"] == 1.0
    other = make_detections([(0, 1, 0.9, 10, 10, 50, 50)])  # of another class: counts neither way
    assert evaluate(annotations, other).totals["bbox_mAP"] == 0.0
    assert evaluate(annotations, Detections.empty()).totals["bbox_mAP"] == 0.0


def test_no_detections_give_zero_and_not_a_crash(make_annotations):
    annotations = make_annotations([(0, 0, 0, 0, 50, 50), (1, 1, 0, 0, 50, 50)], 3)
    report = evaluate(annotations, Detections.empty())
    assert [report.totals[f"bbox_{n}"] for n in ("mAP", "mAP_50", "mAP_75", "AR_100")] == [0.0] * 4
    assert [row["AP"] for row in report.per_class[:2]] == [0.0, 0.0]
    assert math.isnan(report.per_class[2]["AP"])
    assert report.num_detections == 0


def test_nothing_to_find_is_undefined(make_annotations, make_detections):
    report = evaluate(make_annotations([], 2), make_detections([(0, 0, 0.5, 0, 0, 9, 9)]))
    assert all(math.isnan(value) for value in report.totals.values())
    assert report.num_boxes == 0 and report.num_detections == 1


def test_an_image_without_boxes_still_punishes(make_annotations, make_detections):
    annotations = make_annotations([(0, 0, 0, 0, 50, 50)], 2)
    right, wrong = (0, 0, 0.5, 0, 0, 50, 50), (1, 0, 0.9, 0, 0, 50, 50)
    assert evaluate(annotations, make_detections([right])).per_class[0]["AP"] == 1.0
    assert evaluate(annotations, make_detections([right, wrong])).per_class[0]["AP"] < 0.51


def test_classes_in_another_order_cost_the_score(random_case, perfect):
    annotations, _ = random_case(seed=6)
    right = perfect(annotations)
    permuted = Detections(right.image_row, right.bboxes, right.scores, (right.labels + 1) % 6)
    assert evaluate(annotations, right).totals["bbox_mAP"] > 0.999
    assert evaluate(annotations, permuted).totals["bbox_mAP"] < 0.1


def test_limits_of_detections_name_the_recalls(random_case):
    annotations, detections = random_case(seed=7)
    totals = evaluate(annotations, detections, max_dets=(3, 30)).totals
    assert "bbox_AR_3" in totals and "bbox_AR_30" in totals and "bbox_AR_100" not in totals
    assert totals["bbox_AR_3"] < totals["bbox_AR_30"]
    with pytest.raises(FishdetError, match=r"max_dets \[10, 1\]"):
        evaluate(annotations, detections, max_dets=(10, 1))


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_order_of_detections_and_images_does_not_matter(random_case, seed):
    annotations, detections = random_case(seed=seed % 1000, images=8, per_image=20, boxes=40)
    rng = np.random.default_rng(seed)
    places = rng.permutation(len(detections))  # the scores are all different: no ties to order
    rows = rng.permutation(annotations.num_images)  # new row r shows old image rows[r]
    new_row = np.argsort(rows)
    moved = replace(annotations.select_images(rows), image_ids=np.arange(1, len(rows) + 1))
    permuted = Detections(
        new_row[detections.image_row][places], detections.bboxes[places],
        detections.scores[places], detections.labels[places],
    )  # fmt: skip
    before, after = evaluate(annotations, detections), evaluate(moved, permuted)
    np.testing.assert_allclose(
        list(after.totals.values()), list(before.totals.values()), atol=1e-12, equal_nan=True
    )
    for old, new in zip(before.per_class, after.per_class, strict=True):
        assert new == pytest.approx(old, nan_ok=True, abs=1e-12)


@given(seed=st.integers(0, 999), score=st.floats(0, 1), label=st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_a_false_positive_never_raises_ap(random_case, seed, score, label):
    annotations, detections = random_case(seed=seed, images=8, per_image=20, boxes=40)

    def with_wrong(points):
        return evaluate(annotations, Detections(
            np.append(detections.image_row, 0),
            np.vstack([detections.bboxes, [[5000, 5000, 5050, 5050]]]),
            np.append(detections.scores, points),
            np.append(detections.labels, label),
        ))  # fmt: skip

    before = evaluate(annotations, detections).per_class
    anywhere, last = with_wrong(score).per_class, with_wrong(0.0).per_class
    if before[label]["boxes"]:
        assert anywhere[label]["AP"] <= before[label]["AP"] + 1e-12
        assert last[label]["AP"] == pytest.approx(before[label]["AP"], abs=1e-12)
    for k in set(range(6)) - {label}:
        assert anywhere[k]["AP"] == pytest.approx(before[k]["AP"], abs=1e-12, nan_ok=True)
