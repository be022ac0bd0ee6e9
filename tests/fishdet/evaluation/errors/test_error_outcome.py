"""What stands at a threshold: confusion matrix, backgrounds, placement, parts, pictures."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from fishdet.errors import FishdetError
from fishdet.evaluation import Detections
from fishdet.evaluation.errors import judge
from fishdet.evaluation.errors.analysis import (
    analyse,
    as_record,
    picture_errors,
    placement,
    right_pictures,
    worst_pictures,
)
from fishdet.evaluation.errors.confusion import confusions
from fishdet.evaluation.errors.outcome import Seen, outcome
from fishdet.evaluation.errors.precision import best_f1, curve

# Pictures of 640×480; three species. Picture 0: a salmon found, an eel taken for a mackerel;
# picture 1: a salmon missed, a false eel; picture 2: empty, a false salmon; picture 3: an eel found
# twice.
BOXES = [
    (0, 0, 0, 0, 20, 20),
    (0, 1, 300, 200, 40, 40),
    (1, 0, 500, 400, 80, 60),
    (3, 1, 0, 0, 100, 100),
]
ROWS = [
    (0, 0, 0.9, 0, 0, 20, 20),
    (0, 2, 0.8, 300, 200, 40, 40),
    (1, 1, 0.7, 0, 0, 50, 50),
    (2, 0, 0.6, 500, 100, 30, 30),
    (3, 1, 0.95, 0, 0, 100, 100),
    (3, 1, 0.5, 0, 0, 100, 90),
    (1, 0, 0.1, 500, 400, 80, 60),  # right, but below the threshold
]
KEYS = ("boxes", "found", "misnamed", "missed", "false")


@pytest.fixture(scope="module")
def by_hand(make_annotations, make_detections):
    truth = make_annotations(BOXES, 4)
    light = np.array([10.0, 20.0, 30.0, 40.0])
    return analyse(truth, make_detections(ROWS), threshold=0.3, light=light)


def test_confusion_by_hand(by_hand):
    #   salmon eel mackerel missed
    assert by_hand.confusion.tolist() == [
        [1, 0, 0, 1],  # salmon
        [0, 1, 1, 0],  # eel
        [0, 0, 0, 0],  # mackerel
        [1, 2, 0, 0],  # false
    ]
    assert confusions(by_hand.confusion) == [(1, 2, 1)]


def test_what_false_detections_lie_on(by_hand):
    lies_on = {kind: counts.tolist() for kind, counts in by_hand.lies_on.items()}
    assert lies_on == {
        "Cls": [0, 0, 1],
        "Loc": [0, 0, 0],
        "Both": [0, 0, 0],
        "Dupe": [0, 1, 0],
        "Bkg": [1, 1, 0],
        "empty": [1, 0, 0],
    }


def test_placement_by_hand(by_hand):
    assert placement(by_hand) == pytest.approx({"located": 3 / 4, "named": 2 / 3, "mean_iou": 1})
    assert by_hand.outcome.f1 == pytest.approx(2 * 2 / (6 + 4))


def table(parts):
    return {part.name: tuple(getattr(part, key) for key in KEYS) for part in parts}


def test_parts_by_crowding_and_position(by_hand):
    crowding = table(by_hand.strata["crowding"])
    assert crowding["0"] == (0, 0, 0, 0, 1)
    assert crowding["1"] == (2, 1, 0, 1, 2)
    assert crowding["2–4"] == (2, 1, 1, 0, 0)
    position = table(by_hand.strata["position"])
    assert position["top left"] == (2, 2, 0, 0, 2)
    assert position["centre"] == (1, 0, 1, 0, 0)
    assert position["bottom right"] == (1, 0, 0, 1, 0)
    assert position["right"] == (0, 0, 0, 0, 0)
    assert position["top right"] == (0, 0, 0, 0, 1)


def test_parts_by_brightness(by_hand):
    brightness = by_hand.strata["brightness"]
    assert [part.boxes for part in brightness] == [2, 1, 0, 1]
    assert [part.false for part in brightness] == [0, 1, 1, 1]
    assert math.isnan(brightness[2].recall)


def test_ap_by_size_leaves_other_sizes_out(by_hand):
    """Sides of 20, 40, 69 and 100 pixels: the part of the smallest box holds nothing else."""
    parts = by_hand.strata["size"]
    assert parts[0].ap50 == pytest.approx(1)
    assert parts[1].ap50 == 0  # the eel that was taken for a mackerel; its species' AP is 0
    assert sum(part.boxes for part in parts) == len(BOXES)


def test_pictures_by_errors(by_hand):
    assert picture_errors(by_hand).tolist() == [[1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 0],
                                                [1, 0, 1, 0]]  # fmt: skip
    assert worst_pictures(by_hand, 3).tolist() == [1, 2, 0]
    assert right_pictures(by_hand, 3).tolist() == []


def test_best_f1_by_hand():
    """Right, wrong, right with one score for the last two: they stand or fall together."""
    drawn = curve(np.array([True, False, True]), np.array([0.9, 0.5, 0.5]), 2)
    assert best_f1(drawn) == (0.5, pytest.approx(0.8))
    assert best_f1(curve(np.zeros(2, bool), np.array([0.9, 0.5]), 2)) == (0.0, 0.0)


@pytest.mark.parametrize("threshold", [None, 0.0, 0.5, 1.0])
def test_sums_agree(random_case, threshold):
    """Rows add up to boxes, columns to detections, every partition to the whole."""
    annotations, detections = random_case(3, regions=0.1, decimals=2)
    found = analyse(annotations, detections, threshold=threshold)
    seen, matrix = found.outcome, found.confusion
    counted, shown = found.verdicts.counted, seen.of_detection != Seen.LEFT_OUT
    count = len(annotations.classes)
    boxes = np.bincount(annotations.labels[counted], minlength=count)
    said = np.bincount(found.verdicts.detections.labels[shown], minlength=count)
    assert matrix.sum(1)[:-1].tolist() == boxes.tolist()
    assert matrix.sum(0)[:-1].tolist() == said.tolist()
    for parts in found.strata.values():
        assert sum(part.boxes for part in parts) == counted.sum()
        assert sum(part.false for part in parts) == matrix[-1].sum()
        assert sum(part.found for part in parts) == np.trace(matrix)
    assert picture_errors(found).sum(0).tolist() == [
        np.trace(matrix), matrix[:-1, :-1].sum() - np.trace(matrix), matrix[-1].sum(),
        matrix[:, -1].sum()]  # fmt: skip


def test_the_chosen_threshold_has_the_highest_f1(random_case):
    annotations, detections = random_case(4, decimals=2)
    verdicts = judge(annotations, detections)
    chosen = outcome(annotations, verdicts)
    others = [outcome(annotations, verdicts, step / 100).f1 for step in range(101)]
    assert chosen.f1 == pytest.approx(max(others))


def test_record_is_json(by_hand):
    record = json.loads(json.dumps(as_record(by_hand), allow_nan=True))
    assert record["errors"]["Dupe"]["count"] == 1
    assert record["confusion"]["matrix"] == by_hand.confusion.tolist()
    assert record["worst"][0] == {
        "file_name": "1.jpg", "right": 0, "misnamed": 0, "false": 1, "missed": 1}  # fmt: skip


def test_nothing_detected_is_an_analysis_too(make_annotations):
    found = analyse(make_annotations(BOXES, 4), Detections.empty())
    assert found.confusion[:, -1].tolist() == [2, 2, 0, 0]
    assert found.costs.counts["Miss"] == 4
    assert math.isnan(placement(found)["named"])


def test_bad_calls_are_refused(make_annotations):
    with pytest.raises(FishdetError, match="no error can be named"):
        analyse(make_annotations([], 2), Detections.empty())
    with pytest.raises(FishdetError, match=r"threshold 1\.5"):
        analyse(make_annotations(BOXES, 4), Detections.empty(), threshold=1.5)
