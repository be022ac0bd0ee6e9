"""Fish that change their name, or have two."""

from __future__ import annotations

import numpy as np
import supervision as sv

from fishdet.inference.names import names_of
from fishdet.inference.results import build_detections
from fishdet.inference.tracking import Tracker

NAMES = names_of(("salmon", "eel"), "en")


def detections(rows: list[tuple[float, float, int]]) -> sv.Detections:
    """Rows of left edge, score and label; each box is 40 x 20 pixels."""
    table = np.array(rows, np.float32).reshape(-1, 3)
    left = table[:, 0]
    boxes = np.stack([left, left * 0 + 10, left + 40, left * 0 + 30], axis=1)
    labels = table[:, 2].astype(np.int64)
    second = 1 - labels, 1 - table[:, 1]
    return build_detections(NAMES, boxes, table[:, 1], labels, None, second)


def test_a_fish_is_named_by_its_vote() -> None:
    tracker = Tracker(NAMES, 10, 0.3)
    frames = [(0, 0.9, 0), (2, 0.8, 0), (4, 0.7, 1), (6, 0.9, 0)]
    results = [tracker.update(detections([row])) for row in frames]
    assert [one.ids.tolist() for one in results] == [[-1], [1], [1], [1]]
    # Scores 0.8 for salmon against 0.7 for eel: the third frame keeps the name.
    named = [str(one.detections.data["class_name"][0]) for one in results]
    assert named == ["salmon", "salmon", "salmon", "salmon"]
    third = results[2].detections.data
    assert third["runner_up"][0] == "eel" and np.isnan(third["runner_up_score"][0])
    assert tracker.species() == {1: 0}


def test_a_fish_with_two_names_is_one_and_order_stays() -> None:
    tracker = Tracker(NAMES, 10, 0.3)
    frame = detections([(100, 0.9, 1), (0, 0.8, 0), (1, 0.5, 1)])
    tracked = tracker.update(frame)
    assert tracked.detections.xyxy[:, 0].tolist() == [100, 0]
    assert tracker.update(frame).ids.tolist() in ([1, 2], [2, 1])
    assert len(tracker.update(detections([])).ids) == 0
