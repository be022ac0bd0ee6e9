"""Presence, counts and MaxN by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fish_dataset.strings import Strings
from fishdet.evaluation import Detections
from fishdet.evaluation.extras.counts import (
    boxes_per_image,
    count_errors,
    counts_found,
    max_n,
    uncertain,
)
from fishdet.evaluation.extras.presence import best_scores, presence_scores, retrieval_ap
from fishdet.evaluation.matching import match


def _film(make_annotations, fish, videos, **options):
    """Annotations with ``fish[frame]`` = (salmons, eels), side by side."""
    boxes = [
        (frame, label, 60 * i, 100 * label, 50, 50)
        for frame, counts in enumerate(fish)
        for label, count in enumerate(counts)
        for i in range(count)
    ]
    annotations = make_annotations(boxes, len(fish), ("salmon", "eel"), **options)
    return replace(annotations, image_meta={"video": Strings.of(videos)})


FISH = [(1, 0), (3, 1), (2, 0), (0, 2), (0, 0)]
VIDEOS = ["reef", "reef", "reef", "kelp", "kelp"]
# what a detector sees of it: (frame, label, score, x, y, w, h)
SEEN = [
    (0, 0, 0.9, 0, 0, 50, 50),
    (1, 0, 0.9, 0, 0, 50, 50),
    (1, 0, 0.8, 60, 0, 50, 50),
    (1, 0, 0.2, 120, 0, 50, 50),  # below the threshold of 0.5
    (2, 0, 0.7, 0, 0, 50, 50),
    (2, 0, 0.7, 400, 400, 50, 50),  # false, and counted all the same
    (3, 1, 0.6, 0, 100, 50, 50),
    (4, 1, 0.5, 0, 100, 50, 50),  # no eel there
]


@pytest.fixture
def film(make_annotations, make_detections):
    annotations = _film(make_annotations, FISH, VIDEOS)
    return annotations, match(annotations, make_detections(SEEN))


def test_counts_by_hand(film):
    annotations, matches = film
    assert boxes_per_image(annotations).tolist() == [list(f) for f in FISH]
    found = counts_found(matches, [0.5, 0.5])
    assert found.tolist() == [[1, 0], [2, 0], [2, 0], [0, 1], [0, 1]]
    errors = count_errors(found, boxes_per_image(annotations), ~uncertain(annotations))
    salmon, eel = errors["species"]
    assert salmon == {"n": 5, "truth": 6, "found": 5, "mae": 0.2, "bias": -0.2,
                      "relative_mae": pytest.approx(1 / 6),
                      "relative_bias": pytest.approx(-1 / 6)}  # fmt: skip
    assert (eel["mae"], eel["bias"]) == (0.6, -0.2)  # 1, 1 and 1 off, twice too few
    assert errors["macro"]["mae"] == pytest.approx(0.4)
    assert errors["micro"]["mae"] == pytest.approx(4 / 10)


def test_max_n_by_hand(film):
    annotations, matches = film
    found = counts_found(matches, [0.5, 0.5])
    result = max_n(annotations, found, ~uncertain(annotations))
    assert result["videos"] == ["kelp", "reef"]
    assert result["truth"] == [[0, 2], [3, 1]]  # not the six salmons of three frames
    assert result["found"] == [[0, 1], [2, 0]]
    assert result["errors"]["species"][0]["mae"] == pytest.approx(0.5)
    assert result["errors"]["species"][1]["bias"] == pytest.approx(-1.0)


def test_max_n_without_videos(make_annotations, film):
    annotations, matches = film
    found, known = counts_found(matches, [0.5, 0.5]), ~uncertain(annotations)
    assert max_n(replace(annotations, image_meta={}), found, known) is None
    some = replace(annotations, image_meta={"video": Strings.of(["reef", "", "", "", ""])})
    result = max_n(some, found, known)
    assert result["videos"] == ["reef"] and result["images_without_video"] == 4
    assert result["truth"] == [[1, 0]]


def test_a_crowd_makes_its_count_unknown(make_annotations, make_detections):
    annotations = _film(make_annotations, [(2, 1), (1, 0)], ["a", "a"], crowd=[1])
    found = counts_found(match(annotations, make_detections([(0, 0, 0.9, 60, 0, 50, 50)])), [0, 0])
    assert found.tolist() == [[0, 0], [0, 0]]  # it lies on the crowd
    known = ~uncertain(annotations)
    assert known.tolist() == [[False, True], [True, True]]
    errors = count_errors(found, boxes_per_image(annotations), known)
    assert errors["species"][0]["n"] == 1 and errors["species"][0]["truth"] == 1
    assert max_n(annotations, found, known)["known"] == [[False, True]]


def test_species_that_is_nowhere_is_in_no_mean():
    found, truth = np.array([[1, 0], [2, 4]]), np.array([[1, 0], [2, 0]])
    errors = count_errors(found, truth, np.ones((2, 2), bool))
    assert errors["macro"]["mae"] == 0 and errors["micro"]["n"] == 2
    assert errors["species"][1]["relative_mae"] is None and errors["species"][1]["mae"] == 2
    nothing = count_errors(found, np.zeros((2, 2), int), np.ones((2, 2), bool))
    assert nothing["macro"]["mae"] is None and nothing["micro"]["mae"] is None


def test_presence_by_hand(film):
    annotations, matches = film
    salmon, eel = presence_scores(annotations, matches, [0.5, 0.5])
    assert salmon == {"images": 3, "predicted": 3, "precision": 1, "recall": 1, "f1": 1, "AP": 1}
    # eels are in frames 1 and 3, seen in 3 (0.6) and 4 (0.5)
    assert eel == {"images": 2, "predicted": 2, "precision": 0.5, "recall": 0.5, "f1": 0.5,
                   "AP": 0.5}  # fmt: skip
    assert best_scores(matches)[:, 0].tolist() == [0.9, 0.9, 0.7, -np.inf, -np.inf]


def test_presence_of_what_is_nowhere_and_of_what_is_never_seen(make_annotations):
    annotations = make_annotations([(0, 0, 0, 0, 5, 5)], 2)
    salmon, eel, _ = presence_scores(
        annotations, match(annotations, Detections.empty()), [None] * 3
    )
    assert salmon["recall"] == salmon["f1"] == salmon["AP"] == 0 and salmon["precision"] is None
    assert eel["images"] == 0 and eel["recall"] is eel["AP"] is None


def test_a_crowd_is_present(make_annotations, make_detections):
    annotations = make_annotations([(0, 0, 0, 0, 90, 90)], 1, crowd=[0])
    found = match(annotations, make_detections([(0, 0, 0.9, 5, 5, 20, 20)]))
    assert presence_scores(annotations, found, [0.5] * 3)[0]["recall"] == 1


def test_retrieval_ap_by_hand():
    truth = np.array([True, False, True, False, True])
    scores = np.array([0.9, 0.8, 0.7, 0.7, -np.inf])
    # 0.9: 1/1; at 0.7 two come at once: 2/4; the last one never: 0
    assert retrieval_ap(truth, scores) == pytest.approx((1 + 2 / 4) / 3)
    assert np.isnan(retrieval_ap(np.zeros(5, bool), scores))


@given(seed=st.integers(0, 10_000), threshold=st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_counts_fall_with_the_threshold_and_perfect_ones_are_exact(
    random_case, perfect, seed, threshold
):
    annotations, detections = random_case(seed=seed, images=6, per_image=20, boxes=30)
    low, high = (
        counts_found(match(annotations, detections), [t] * 7) for t in (threshold / 2, threshold)
    )
    assert (low >= high).all()
    right = counts_found(match(annotations, perfect(annotations)), [1.0] * 7)
    assert (right == boxes_per_image(annotations)).all()
