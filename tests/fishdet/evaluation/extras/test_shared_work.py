"""What is computed sparsely or shared gives what the definitions give, detection by detection."""

from __future__ import annotations

import json
from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from fishdet.evaluation import evaluate
from fishdet.evaluation.coco_eval import evaluate_sharing
from fishdet.evaluation.extras import Choices, evaluation_record
from fishdet.evaluation.extras.precision import average_precision
from fishdet.evaluation.extras.sizes import by_size, pooled_ap, size_edges
from fishdet.evaluation.ignored import without_ignored
from fishdet.evaluation.matching import match
from fishdet.evaluation.ordering import best_first


def dense_sizes(annotations, matches, areas, bins):
    """AP in bins with every detection gone through, as the definition reads."""
    counted = ~(annotations.crowd | annotations.ignore)
    edges = size_edges(annotations.areas[counted], bins)
    last = len(edges) - 2
    box_bin, own = (
        np.clip(np.searchsorted(edges, sizes, side="left") - 1, 0, last)
        for sizes in (annotations.areas.astype(float), areas)
    )
    box = matches.choices[matches.taken]
    held = np.where(box >= 0, box_bin[box], own[:, None])
    rows = []
    for i in range(last + 1):
        positives = np.bincount(
            annotations.labels[counted & (box_bin == i)], minlength=len(annotations.classes)
        )
        values = []
        for label in np.flatnonzero(positives):
            of = matches.of_class(int(label))
            inside = ~matches.ignored[of] & (held[of] == i)
            values.append(average_precision(matches.right[of], inside, int(positives[label])))
        rows.append((int(positives.sum()), float(np.mean(values)), float(np.mean(values, 0)[0])))
    return rows


@pytest.mark.parametrize("seed", range(6))
def test_sizes_and_pool_equal_the_definition(seed, random_case):
    annotations, detections = random_case(seed=seed, images=12, per_image=30, boxes=60, regions=0.1)
    matches = match(annotations, detections)
    kept = without_ignored(annotations, detections).xywh()[matches.row]
    areas = kept[:, 2] * kept[:, 3]
    found = by_size(annotations, matches, areas, bins=3)["bins"]
    wanted = dense_sizes(annotations, matches, areas, 3)
    rows = [(row["boxes"], row["AP"], row["AP50"]) for row in found]
    np.testing.assert_allclose(rows, wanted, rtol=1e-12)
    order = np.argsort(-matches.scores, kind="stable")
    pooled = average_precision(
        matches.right[order], ~matches.ignored[order], int(matches.positives.sum())
    )
    assert pooled_ap(matches).tolist() == pooled.tolist()


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_record_is_the_same_with_what_the_totals_share(kind, random_case):
    annotations, detections = random_case(seed=3, images=12, per_image=30, boxes=60, regions=0.1)
    scores = np.round(detections.scores, 1).astype(kind)  # many are equal
    detections = replace(detections, scores=scores)
    report, shared = evaluate_sharing(annotations, detections)
    assert repr(report) == repr(evaluate(annotations, detections))  # some are NaN
    alone = evaluation_record(annotations, detections, report, Choices())
    record = evaluation_record(annotations, detections, report, Choices(), shared)
    assert json.dumps(record) == json.dumps(alone)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@given(st.lists(st.sampled_from([0.0, -0.0, 1e-45, 0.1, 0.25, 0.5, 0.9, 1.0, 7e3]), max_size=60))
def test_equal_scores_keep_their_order(kind, scores):
    """0.1 is no float32: in double precision it takes the other way of sorting."""
    given_scores = np.array(scores, kind)
    expected = np.argsort(-given_scores, kind="stable")
    assert best_first(given_scores).tolist() == expected.tolist()
