"""Curves, best F1, frequency and size bins on cases small enough for paper."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fishdet.evaluation import Detections
from fishdet.evaluation.extras.curves import best_f1, curve
from fishdet.evaluation.extras.frequency import by_frequency, images_per_class
from fishdet.evaluation.extras.sizes import by_size, pooled_ap, size_edges
from fishdet.evaluation.matching import match

# three salmons; right at 0.9 and 0.5, wrong at 0.8 and 0.5
BOXES = [(0, 0, 0, 0, 50, 50), (0, 0, 100, 0, 50, 50), (1, 0, 0, 0, 50, 50)]
FOUND = [
    (0, 0, 0.9, 0, 0, 50, 50),
    (0, 0, 0.8, 300, 300, 50, 50),
    (0, 0, 0.5, 100, 0, 50, 50),
    (1, 0, 0.5, 300, 300, 50, 50),
]


@pytest.fixture
def matches(make_annotations, make_detections):
    return match(make_annotations(BOXES, 2), make_detections(FOUND))


def test_best_f1_by_hand(matches):
    # >= 0.9: TP 1, FP 0, FN 2, F1 2/4; >= 0.8: 2/5; >= 0.5, both or none: TP 2, FP 2, FN 1, 4/7
    best = best_f1(matches, 0)
    assert best == pytest.approx({"threshold": 0.5, "precision": 0.5, "recall": 2 / 3, "f1": 4 / 7})


def test_best_f1_prefers_the_higher_of_equal_thresholds(make_annotations, make_detections):
    found = make_detections([FOUND[0], (0, 0, 0.7, 100, 0, 50, 50), *[FOUND[1]] * 3])
    best = best_f1(match(make_annotations(BOXES[:2], 1), found), 0)
    # >= 0.9: 2/3; with the three wrong ones at 0.8 and the right one at 0.7: 4/7
    assert (best["threshold"], best["f1"]) == (0.9, pytest.approx(2 / 3))


def test_species_without_boxes_or_detections(matches, make_annotations):
    assert best_f1(matches, 1) == {"threshold": None, "precision": None, "recall": None, "f1": None}
    assert curve(matches, 1) == {"recall": [], "precision": [], "score": []}
    nothing = match(make_annotations(BOXES, 2), Detections.empty())
    assert best_f1(nothing, 0) == {"threshold": None, "precision": None, "recall": 0, "f1": 0}
    assert set(curve(nothing, 0)["precision"]) == {0.0} and set(curve(nothing, 0)["score"]) == {
        None
    }


def test_curve_by_hand(matches):
    drawn = curve(matches, 0)
    assert len(drawn["recall"]) == 101
    points = zip(drawn["precision"], drawn["score"], strict=True)
    at = dict(zip(np.round(drawn["recall"], 2), points, strict=True))
    assert at[0.33] == (pytest.approx(1.0), 0.9)
    assert at[0.5] == (pytest.approx(2 / 3), 0.5)
    assert at[0.67] == (0.0, None)  # two of three were found


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_no_threshold_beats_the_best_f1(random_case, seed):
    annotations, detections = random_case(seed=seed, images=6, per_image=30, boxes=30, decimals=1)
    matches = match(annotations, detections)
    for label in range(6):
        positives = int(matches.positives[:, label].sum())
        best = best_f1(matches, label)
        rows = matches.of_class(label)
        for threshold in np.unique(matches.scores[rows]):
            kept = matches.scores[rows] >= threshold
            right = int(matches.right[rows, 0][kept].sum())
            if positives:
                assert 2 * right / (kept.sum() + positives) <= best["f1"] + 1e-12


def test_frequency_bins_have_the_borders_of_lvis():
    classes = ["a", "b", "c", "d", "e", "f"]
    counts = dict(zip(classes, [0, 1, 10, 11, 100, 101], strict=True))
    bins = by_frequency(classes, [0.1, 0.2, 0.4, math.nan, 0.6, 0.9], counts)
    assert {name: row["species"] for name, row in bins.items()} == {
        "unseen": ["a"], "rare": ["b", "c"], "common": ["d", "e"], "frequent": ["f"],
    }  # fmt: skip
    assert bins["rare"]["AP"] == pytest.approx(0.3)
    assert bins["common"]["AP"] == pytest.approx(0.6)  # an undefined AP counts in no mean
    assert by_frequency(classes, [0.1] * 6, None) is None
    assert by_frequency(classes, [0.1] * 6, {"a": 3}) is None
    assert math.isnan(by_frequency(["a"], [0.5], {"a": 3})["frequent"]["AP"])


def test_images_per_class_counts_images_and_no_regions(make_annotations):
    boxes = [(0, 0, 0, 0, 5, 5), (0, 0, 9, 9, 5, 5), (1, 0, 0, 0, 5, 5), (1, 1, 0, 0, 5, 5)]
    counts = images_per_class(make_annotations(boxes, 3, crowd=[3]))
    assert counts == {"salmon": 2, "eel": 0, "mackerel": 0}


def test_size_bins_by_hand(make_annotations, make_detections):
    """Four boxes of sides 10, 20, 30, 40; those of 20 and 40 are found."""
    boxes = [(i, 0, 0, 0, s, s) for i, s in enumerate((10, 20, 30, 40))]
    annotations = make_annotations(boxes, 4)
    found = make_detections([(1, 0, 0.9, 0, 0, 20, 20), (3, 0, 0.9, 0, 0, 40, 40)])
    sizes = by_size(annotations, match(annotations, found), np.array([400.0, 1600.0]), bins=2)
    edges = [100, 650, 1600]
    assert [row["area"] for row in sizes["bins"]] == [edges[:2], edges[1:]]
    assert [row["boxes"] for row in sizes["bins"]] == [2, 2]
    half = 51 / 101  # precision 1 up to recall 1/2
    assert [row["AP"] for row in sizes["bins"]] == pytest.approx([half, half])
    assert sizes["macro"] == sizes["micro"] == pytest.approx(half)


def test_a_false_detection_counts_in_the_bin_of_its_own_size(make_annotations, make_detections):
    boxes = [(0, 0, 0, 0, 10, 10), (1, 0, 0, 0, 40, 40)]
    annotations = make_annotations(boxes, 2)
    right = [(0, 0, 0.5, 0, 0, 10, 10), (1, 0, 0.5, 0, 0, 40, 40)]
    tiny = [(0, 0, 0.9, 200, 200, 2, 2)]  # smaller than any box: in the smallest bin
    sizes = by_size(
        annotations,
        match(annotations, make_detections(tiny + right)),
        np.array([4.0, 100, 1600]),
        bins=2,
    )
    assert [row["AP"] for row in sizes["bins"]] == pytest.approx([0.5, 1.0])


def test_equal_sizes_make_one_bin(make_annotations, make_detections):
    assert size_edges(np.array([25.0, 25, 25])).tolist() == [25]
    annotations = make_annotations([(0, 0, 0, 0, 5, 5), (0, 1, 50, 50, 5, 5)], 1)
    found = make_detections([(0, 0, 0.5, 0, 0, 5, 5)])
    sizes = by_size(annotations, match(annotations, found), np.array([25.0]))
    assert [(row["boxes"], row["AP"]) for row in sizes["bins"]] == [(2, pytest.approx(0.5))]
    nothing = by_size(make_annotations([], 1), match(make_annotations([], 1), found), np.ones(1))
    assert nothing["bins"] == [] and math.isnan(nothing["macro"])


def test_pooled_ap_ranks_all_classes_together(make_annotations, make_detections):
    """Perfect within each class, but the eel's wrong detection outranks the right salmon."""
    annotations = make_annotations([(0, 0, 0, 0, 50, 50), (0, 1, 100, 100, 50, 50)], 1)
    found = make_detections(
        [(0, 1, 0.9, 100, 100, 50, 50), (0, 1, 0.8, 300, 0, 50, 50), (0, 0, 0.1, 0, 0, 50, 50)]
    )
    ap = pooled_ap(match(annotations, found))
    assert ap[0] == pytest.approx((51 + 50 * 2 / 3) / 101)
