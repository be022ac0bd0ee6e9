"""Scores of names against hand-computed values and an independent implementation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fishdet.evaluation.identification import (
    auroc,
    expected_calibration_error,
    false_claims_at,
    hits,
    naming,
    risk_coverage,
)

few = st.lists(st.integers(0, 6), min_size=1, max_size=12)


@settings(max_examples=100, deadline=None)
@given(few, few)
def test_auroc_is_the_share_of_pairs(known: list[int], unknown: list[int]) -> None:
    pairs = [1.0 if k > u else 0.5 if k == u else 0.0 for k in known for u in unknown]
    assert auroc(np.array(known), np.array(unknown)) == pytest.approx(np.mean(pairs))


def test_open_set_by_hand() -> None:
    known, unknown = np.arange(1, 21) / 20, np.array([0.02, 0.1, 0.5, 0.9])
    # 19 of 20 known are kept at 0.1, where three of four unknown pass
    assert false_claims_at(known, unknown) == 0.75
    assert np.isnan(auroc(known, unknown[:0]))


def test_hits_and_ties() -> None:
    scores = np.array([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5], [1 / 3, 1 / 3, 1 / 3]])
    labels = np.array([0, 0, 1])
    assert hits(scores, labels, 1) == pytest.approx([1, 0, 1 / 3])
    assert hits(scores, labels, 2) == pytest.approx([1, 0, 2 / 3])
    found = naming(scores, labels, ["a", "b", "c"])
    assert found.totals["top1"] == pytest.approx(4 / 9)
    assert found.totals["macro_top1"] == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert found.per_class[2] == {"name": "c", "crops": 0, "top1": None, "top5": None}


def test_risk_falls_to_the_sure_answers() -> None:
    curve = risk_coverage(np.array([0.9, 0.8, 0.7, 0.6]), np.array([1, 1, 0, 1]))
    assert curve.coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert curve.risk == pytest.approx([0, 0, 1 / 3, 1 / 4])
    assert curve.area == pytest.approx(7 / 48)
    assert curve.accuracy_at(0.5) == 1 and curve.accuracy_at(1.0) == 0.75
    constant = risk_coverage(np.full(4, 0.5), np.array([1, 1, 0, 0]))
    assert constant.risk == pytest.approx([0.5] * 4)  # no order to gain from


def test_calibration_error_by_hand() -> None:
    confidence, right = np.array([0.9, 0.9, 0.9, 0.9]), np.array([1, 1, 0, 0])
    assert expected_calibration_error(confidence, right) == pytest.approx(0.4)
