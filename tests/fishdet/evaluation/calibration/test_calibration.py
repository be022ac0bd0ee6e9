"""Calibration error by hand, scaling recovered from simulated detectors, thresholds."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from fishdet.errors import FishdetError
from fishdet.evaluation.calibration import (
    Outcomes,
    Scaling,
    calibrate,
    calibrated,
    detection_ece,
    f1_thresholds,
    fit_scaling,
    laece,
    outcomes,
    precision_thresholds,
    reliability,
    write_calibration,
)
from fishdet.evaluation.calibration.plot import draw_reliability, write_reliability


def made(scores, right, iou=None, labels=None, groups=None, positives=None):
    count = len(scores)
    right = np.array(right, bool)
    labels = np.zeros(count, np.int64) if labels is None else np.array(labels)
    classes = ("salmon", "eel", "mackerel")
    return Outcomes(
        scores=np.array(scores, np.float64),
        right=right,
        iou=right * 1.0 if iou is None else np.array(iou, np.float64),
        labels=labels,
        groups=np.arange(count) % 10 if groups is None else np.array(groups),
        positives=np.array(positives or [count, 0, 0]),
        classes=classes,
        images=count,
    )


def simulated(count, temperature, bias, seed=0):
    """A detector whose scores need just this scaling to be probabilities."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 2, count)
    scores = expit((truth - bias) * temperature)
    return made(scores, rng.random(count) < expit(truth), groups=rng.integers(0, 50, count))


def test_ece_by_hand():
    """Bins of 0.5: three scores of mean 0.2, one right; two of mean 0.8, both right."""
    found = made([0.1, 0.2, 0.3, 0.7, 0.9], [0, 1, 0, 1, 1])
    expected = 3 / 5 * abs(0.2 - 1 / 3) + 2 / 5 * abs(0.8 - 1)
    assert detection_ece(found, bins=2) == pytest.approx(expected)
    bins = reliability(found.scores, found.right, 4)
    assert bins.counts.tolist() == [2, 1, 1, 1]
    assert bins.confidence == pytest.approx([0.15, 0.3, 0.7, 0.9])
    assert bins.precision == pytest.approx([0.5, 0, 1, 1])


def test_a_bin_holds_its_upper_edge_and_zero_and_one_have_a_place():
    assert reliability(np.array([0, 0.5, 0.51, 1]), np.ones(4), 2).counts.tolist() == [2, 2]
    assert math.isnan(detection_ece(made([], [])))


def test_laece_by_hand():
    """Salmon: score 0.8 against IoU 0.6; eel: mean score 0.5 against (0.9 + 0) / 2."""
    found = made([0.8, 0.45, 0.55], [1, 1, 0], iou=[0.6, 0.9, 0.0], labels=[0, 1, 1])
    assert laece(found, bins=1) == pytest.approx((0.2 + 0.05) / 2)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50))
def test_ece_is_a_share_and_at_least_the_overall_gap(pairs):
    scores, right = map(np.array, zip(*pairs, strict=True))
    found = made(scores, right)
    assert abs(scores.mean() - right.mean()) - 1e-9 <= detection_ece(found) <= 1


@pytest.mark.parametrize(("temperature", "bias"), [(1.0, 0.0), (2.5, -1.0), (0.5, 0.7)])
def test_scaling_is_recovered(temperature, bias):
    found = simulated(40_000, temperature, bias)
    got = fit_scaling(found)
    assert got.temperature == pytest.approx(temperature, rel=0.04)
    assert got.bias == pytest.approx(bias, abs=0.05)
    assert detection_ece(found, calibrated(found.scores, got)) < 0.012


def test_temperature_alone_is_recovered():
    got = fit_scaling(simulated(40_000, 3.0, 0.0), with_bias=False)
    assert got.temperature == pytest.approx(3.0, rel=0.04) and got.bias == 0


def test_scaling_keeps_the_order_and_one_and_zero_change_nothing():
    scores = np.linspace(0.01, 0.99, 50)
    assert (np.diff(calibrated(scores, Scaling(2.0, -1.0))) > 0).all()
    np.testing.assert_allclose(calibrated(scores, Scaling()), scores, atol=1e-9)


def test_separated_scores_give_no_endless_certainty():
    found = made([0.1] * 20 + [0.9] * 20, [0] * 20 + [1] * 20)
    assert fit_scaling(found).temperature > 0.1
    assert 0.9 < calibrated(np.array([0.9]), fit_scaling(found))[0] < 0.99


@pytest.mark.parametrize(
    ("scores", "right", "words"),
    [
        ([0.5, 0.6], [1, 1], "2 are right and 0 wrong"),
        ([], [], "of 0 detections 0 are right"),
        ([0.1] * 9 + [0.9] * 9, [1] * 9 + [0] * 9, "not more often right"),
    ],
)
def test_what_cannot_be_fitted_is_said(scores, right, words):
    with pytest.raises(FishdetError, match=words):
        fit_scaling(made(scores, right))


def test_after_is_measured_on_other_groups():
    """Scores that tell nothing beyond the bias gain no more than the bias."""
    found = simulated(4_000, 2.5, -1.0)
    result = calibrate(found)
    before, after = result.figures["ece"]
    assert before > 0.15 and after < 0.05
    assert after > detection_ece(found, calibrated(found.scores, result.scaling)) - 0.01
    with pytest.raises(FishdetError, match="of one group"):
        calibrate(made([0.2, 0.8, 0.3], [0, 1, 1], groups=[4, 4, 4]))
    with pytest.raises(FishdetError, match="target precision 1.5"):
        calibrate(found, target_precision=1.5)


def test_thresholds_by_hand():
    """4 boxes; F1 at 0.9: 2/5, 0.8: 4/6, 0.6: 4/7, 0.5: 6/8, 0.2: 6/9."""
    found = made(
        [0.9, 0.8, 0.6, 0.5, 0.2, 0.7], [1, 1, 0, 1, 0, 0],
        labels=[0, 0, 0, 0, 0, 1], positives=[4, 2, 0],
    )  # fmt: skip
    assert f1_thresholds(found) == {"salmon": 0.5}
    assert precision_thresholds(found, 0.9) == {"salmon": 0.8}
    assert precision_thresholds(found, 0.6) == {"salmon": 0.2}


def test_equal_scores_are_taken_together():
    found = made([0.5, 0.5, 0.5], [1, 0, 0], positives=[1, 0, 0])
    assert precision_thresholds(found, 0.5) == {}
    assert f1_thresholds(found) == {"salmon": 0.5}


def test_outcomes_leave_out_regions(make_annotations, make_detections):
    annotations = make_annotations([(0, 0, 0, 0, 50, 50), (0, 0, 200, 200, 99, 99)], 2, crowd=[1])
    found = outcomes(annotations, make_detections([
        (0, 0, 0.9, 0, 0, 50, 40), (0, 0, 0.8, 210, 210, 9, 9), (1, 2, 0.7, 0, 0, 9, 9),
    ]))  # fmt: skip
    assert found.scores.tolist() == [0.9, 0.7] and found.right.tolist() == [True, False]
    assert found.iou == pytest.approx([0.8, 0]) and found.groups.tolist() == [0, 1]
    assert found.positives.tolist() == [1, 0, 0] and found.images == 2


def test_record_and_picture(tmp_path):
    result = calibrate(simulated(2_000, 2.0, 0.0))
    path = write_calibration(tmp_path / "run", result, {"sha256": "ab"})
    record = json.loads(path.read_text())
    assert record["format"] == 1 and set(record["thresholds"]) == {"salmon"}
    assert record["temperature"] == pytest.approx(2.0, rel=0.2)
    assert record["fitted_on"] == {"sha256": "ab", "images": 2000, "detections": 2000}
    assert record["ece_after"] < record["ece_before"]
    assert len(record["reliability"]["before"]["counts"]) == 25
    parts = {"before": result.before, "after": result.after}
    write_reliability(tmp_path / "r.png", parts, "ko")
    assert (tmp_path / "r.png").read_bytes()[:4] == b"\x89PNG"
    labels = [text.get_text() for text in draw_reliability(parts, "en").axes[0].get_legend().texts]
    assert labels[1] == f"as the model says: ECE {result.before.ece:.3f}"
    with pytest.raises(FishdetError, match="--out"):
        (tmp_path / "file").write_text("")
        write_calibration(tmp_path / "file", result)
