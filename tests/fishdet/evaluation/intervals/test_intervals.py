"""Resamples of groups, the report of intervals, and the comparison of models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fish_dataset.errors import FishDataError
from fishdet.errors import FishdetError
from fishdet.evaluation import Detections, evaluate
from fishdet.evaluation.compare import compare, holm
from fishdet.evaluation.intervals import intervals
from fishdet.evaluation.intervals.resampling import bootstrap_weights, jackknife_weights

NAMES = ("bbox_mAP", "bbox_mAP_50", "bbox_mAP_75", "bbox_AR_100")


def worse(detections, share, seed=0):
    """The same with the boxes of some detections moved away."""
    boxes = detections.bboxes.copy()
    boxes[np.random.default_rng(seed).random(len(boxes)) < share] += 3000
    return replace(detections, bboxes=boxes)


def test_groups_stay_whole_and_the_jackknife_leaves_one_out():
    index = np.array([0, 0, 1, 2, 2, 2])
    drawn = bootstrap_weights(index, 50, seed=1)
    assert drawn.shape == (50, 6)
    assert (drawn[:, 0] == drawn[:, 1]).all() and (drawn[:, 3:] == drawn[:, 3:4]).all()
    assert (drawn[:, [0, 2, 3]].sum(axis=1) == 3).all()
    left_out = jackknife_weights(index)
    assert sorted(map(tuple, left_out.tolist())) == [
        (0, 0, 1, 1, 1, 1), (1, 1, 0, 1, 1, 1), (1, 1, 1, 0, 0, 0),
    ]  # fmt: skip
    assert jackknife_weights(np.arange(450)).shape == (200, 450)
    assert (jackknife_weights(np.arange(450)) == 0).sum() == 450


def test_intervals_hold_the_numbers_and_say_how_they_were_made(random_case):
    annotations, detections = random_case(seed=0)
    found = intervals(annotations, detections, resamples=200)
    report = evaluate(annotations, detections)
    for name in NAMES:
        low, high = found.intervals[name]
        assert low < report.totals[name] < high
    for row in report.per_class[:6]:
        low, high = found.species[row["name"]]["AP50"]
        assert low < row["AP50"] < high
    assert np.isnan(found.species["species 6"]["AP50"]).all()
    assert found.species_groups["species 6"] == 0
    ends = [end for parts in found.species.values() for pair in parts.values() for end in pair]
    assert np.nanmin(ends) >= 0 and np.nanmax(ends) <= 1
    assert found.groups == 40 and found.rule.startswith("image") and not found.warning
    record = found.as_dict()
    assert record["intervals"]["bbox_mAP"] == found.intervals["bbox_mAP"]
    assert record["bootstrap"]["resamples"] == 200
    again = intervals(annotations, detections, resamples=200)
    assert again.intervals == found.intervals


def test_frames_of_one_video_are_no_new_evidence(random_case):
    annotations, detections = random_case(seed=2)
    videos = [f"dive {row // 10}" for row in range(annotations.num_images)]
    grouped = replace(annotations, image_meta={"video": videos})
    found = intervals(grouped, detections, resamples=50)
    assert found.groups == 4 and found.rule.startswith("video")
    assert "not to be trusted" in found.warning
    single = intervals(grouped, detections, by=("image",), resamples=50)
    assert single.groups == 40 and not single.warning
    with pytest.raises(FishDataError, match="group key 'reef'"):
        intervals(grouped, detections, by=("reef",), resamples=50)


def test_counts_by_hand(make_annotations, make_detections):
    """Image 0: 2 boxes, 1 counted detection; image 1: none, 2 counted; image 2: 1 and 1."""
    boxes = [(0, 0, 0, 0, 50, 50), (0, 1, 60, 60, 50, 50), (2, 0, 0, 0, 9, 9), (2, 0, 9, 9, 9, 9)]
    found = make_detections([
        (0, 0, 0.9, 0, 0, 50, 50), (0, 0, 0.29, 0, 0, 50, 50), (1, 0, 0.3, 0, 0, 9, 9),
        (1, 2, 0.8, 0, 0, 9, 9), (2, 0, 0.5, 0, 0, 9, 9),
    ])  # fmt: skip
    annotations = make_annotations(boxes, 3, crowd=[3])
    result = intervals(annotations, found, resamples=100)
    assert result.count_MAE == pytest.approx((1 + 2 + 0) / 3)
    assert result.intervals["count_MAE"][0] >= 0 and result.intervals["count_MAE"][1] <= 2


def test_holm_on_published_numbers():
    """The example of pingouin.multicomp's documentation of ``holm``, and R's way with NaN."""
    assert holm([0.50, 0.003, 0.32, 0.054, 0.0003]) == pytest.approx(
        [0.64, 0.012, 0.64, 0.162, 0.0015]
    )
    assert holm([0.02, float("nan"), 0.03]) == pytest.approx([0.04, np.nan, 0.04], nan_ok=True)
    assert holm([]) == []


def test_a_difference_is_found_and_the_same_is_not(random_case):
    annotations, detections = random_case(seed=3)
    models = {"a": detections, "worse": worse(detections, 0.4), "same": detections}
    result = compare(annotations, models, resamples=500)
    assert [(pair.first, pair.second) for pair in result.pairs] == [
        ("a", "worse"), ("a", "same"), ("worse", "same"),
    ]  # fmt: skip
    down, same, up = result.pairs
    expected = [evaluate(annotations, models[name]).totals["bbox_mAP"] for name in ("a", "worse")]
    assert down.difference == pytest.approx(expected[1] - expected[0])
    assert down.low <= down.difference <= down.high < 0 and down.differs and down.p_holm < 0.05
    assert (same.difference, same.low, same.high, same.p) == (0, 0, 0, 1) and not same.differs
    assert (up.low, up.high) == pytest.approx((-down.high, -down.low), abs=0.01)
    assert result.trusted and result.groups == 40


def test_what_cannot_be_compared_is_said(random_case):
    annotations, detections = random_case(seed=3, images=6, per_image=10, boxes=20)
    with pytest.raises(FishdetError, match="two models or more, not 1"):
        compare(annotations, {"a": detections})
    with pytest.raises(FishdetError, match="'AP' cannot be compared; choose of .*bbox_mAP"):
        compare(annotations, {"a": detections, "b": detections}, statistic="AP")
    many = {str(i): detections for i in range(10)}
    with pytest.raises(FishdetError, match="100 resamples are too few for 45 pairs.*1800"):
        compare(annotations, many, resamples=100)
    nothing = compare(annotations, {"a": detections, "b": Detections.empty()}, resamples=50)
    assert nothing.scores["b"] == 0 and not nothing.trusted
