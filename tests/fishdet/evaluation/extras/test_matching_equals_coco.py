"""The matching behind the further scores gives pycocotools' AP, class by class."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from fishdet.evaluation import Detections, evaluate
from fishdet.evaluation.coco_form import coco_results, ground_truth_dict
from fishdet.evaluation.extras.limits import by_limit, most_in_an_image
from fishdet.evaluation.extras.precision import average_precision
from fishdet.evaluation.matching import match


def _ours(annotations, detections, limit=100):
    matches = match(annotations, detections, max_dets=limit)
    values = []
    for label in range(len(annotations.classes)):
        rows = matches.of_class(label)
        positives = int(matches.positives[:, label].sum())
        values.append(average_precision(matches.right[rows], ~matches.ignored[rows], positives))
    return np.array(values).mean(axis=1)


def _pycocotools(annotations, detections, limit):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = ground_truth_dict(annotations)
        truth.createIndex()
        evaluator = COCOeval(truth, truth.loadRes(coco_results(annotations, detections)), "bbox")
        evaluator.params.maxDets = [limit]
        evaluator.evaluate()
        evaluator.accumulate()
    return evaluator.eval["precision"], evaluator.eval["recall"]


def _mean(values):
    values = values[values > -1]
    return values.mean() if values.size else np.nan


@pytest.mark.parametrize(
    "options",
    [
        {"seed": 0},
        {"seed": 1, "regions": 0.15},
        {"seed": 2, "decimals": 1},
        {"seed": 3, "regions": 0.1, "decimals": 2, "images": 30, "per_image": 150},
        {"seed": 4, "images": 4, "per_image": 1500, "boxes": 60},
    ],
)
def test_ap_of_each_class_equals_pycocotools(random_case, reference, options):
    annotations, detections = random_case(**options)
    _, expected = reference(annotations, detections)
    ours = np.nan_to_num(_ours(annotations, detections), nan=-1)
    np.testing.assert_allclose(ours, expected, atol=1e-6)


@given(seed=st.integers(0, 10_000), regions=st.sampled_from([0.0, 0.2]))
@settings(max_examples=20, deadline=None)
def test_ap_equals_the_evaluator(random_case, seed, regions):
    annotations, detections = random_case(
        seed=seed, images=6, per_image=40, boxes=30, regions=regions, decimals=1
    )
    expected = [row["AP"] for row in evaluate(annotations, detections).per_class]
    np.testing.assert_allclose(_ours(annotations, detections), expected, atol=1e-9)


def test_limits_for_schools_equal_pycocotools(random_case):
    annotations, detections = random_case(seed=5, images=3, per_image=5000, boxes=300)
    assert most_in_an_image(annotations, detections) > 600
    totals = evaluate(annotations, detections).totals
    limits = by_limit(annotations, detections, totals, 100)
    assert list(limits) == ["100", "300", "1000"]
    assert limits["100"]["AR"] < limits["300"]["AR"] < limits["1000"]["AR"]
    for limit, row in limits.items():
        precision, recall = _pycocotools(annotations, detections, int(limit))
        expected = {"AP": _mean(precision[:, :, :, 0]), "AP50": _mean(precision[0, :, :, 0]),
                    "AP75": _mean(precision[5, :, :, 0]), "AR": _mean(recall[:, :, 0])}  # fmt: skip
        for area, name in enumerate("sml", start=1):
            expected[f"AP_{name}"] = _mean(precision[:, :, :, area])
            expected[f"AR_{name}"] = _mean(recall[:, :, area])
        assert row == pytest.approx(expected, abs=1e-6)


def test_a_limit_that_no_image_reaches_repeats_the_numbers(random_case):
    annotations, detections = random_case(seed=6, images=10, per_image=30)
    totals = evaluate(annotations, detections).totals
    limits = by_limit(annotations, detections, {**totals, "bbox_mAP": 0.125}, 100)
    assert [row["AP"] for row in limits.values()] == [0.125] * 3


def test_nothing_to_match(make_annotations):
    annotations = make_annotations([], 2)
    assert len(match(annotations, Detections.empty()).row) == 0
    found = Detections(np.array([1]), np.array([[0.0, 0, 5, 5]]), np.array([0.5]), np.array([2]))
    matches = match(annotations, found)
    assert matches.choices[matches.taken].tolist() == [[-1] * 10] and not matches.right.any()
