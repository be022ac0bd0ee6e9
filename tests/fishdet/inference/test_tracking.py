"""Fish that change their name, or have two."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import supervision as sv

from fishdet.inference.handover import Sight, same_fish
from fishdet.inference.names import names_of
from fishdet.inference.results import build_detections
from fishdet.inference.tracking import Tracker

NAMES = names_of(("salmon", "eel"), "en")
SIZE = (320, 240)


def detections(rows: list[tuple[float, float, int]]) -> sv.Detections:
    """Rows of left edge, score and label; each box is 40 x 20 pixels."""
    table = np.array(rows, np.float32).reshape(-1, 3)
    left = table[:, 0]
    boxes = np.stack([left, left * 0 + 10, left + 40, left * 0 + 30], axis=1)
    labels = table[:, 2].astype(np.int64)
    second = 1 - labels, 1 - table[:, 1]
    return build_detections(NAMES, boxes, table[:, 1], labels, None, second)


def test_a_fish_is_named_by_its_vote() -> None:
    tracker = Tracker(NAMES, 10, SIZE, 0.3)
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
    tracker = Tracker(NAMES, 10, SIZE, 0.3)
    frame = detections([(100, 0.9, 1), (0, 0.8, 0), (1, 0.5, 1)])
    tracked = tracker.update(frame)
    assert tracked.detections.xyxy[:, 0].tolist() == [100, 0]
    assert tracker.update(frame).ids.tolist() in ([1, 2], [2, 1])
    assert len(tracker.update(detections([])).ids) == 0


Swim = Callable[[int], tuple[float, int] | None]


def numbers(*fish: Swim, frames: int = 60, fps: float = 25) -> list[list[int]]:
    """The numbers that each fish gets, in order; ``fish`` tell left edge and label by frame."""
    tracker = Tracker(NAMES, fps, SIZE, 0.3)
    told: list[list[int]] = [[] for _ in fish]
    for index in range(frames):
        seen = [(n, one(index)) for n, one in enumerate(fish)]
        rows = [(n, at) for n, at in seen if at is not None]
        tracked = tracker.update(detections([(left, 0.9, label) for _, (left, label) in rows]))
        lefts = tracked.detections.xyxy[:, 0] if len(tracked.ids) else []
        for n, (left, _) in rows:
            number = next(int(i) for x, i in zip(lefts, tracked.ids, strict=True) if x == left)
            if number > 0 and number not in told[n]:
                told[n].append(number)
    return told


def test_another_species_gets_a_number_of_its_own() -> None:
    """An eel comes into view where a salmon was 0.4 s before."""
    gone = lambda i: (100 + i, 0) if i < 30 else None  # noqa: E731
    comes = lambda i: (135 - (i - 40), 1) if i >= 40 else None  # noqa: E731
    assert numbers(gone, comes) == [[1], [2]]


def test_who_left_at_the_border_is_gone() -> None:
    """A salmon swims out of the frame; 0.4 s later another one comes in there."""
    gone = lambda i: (250 + i, 0) if i < 30 else None  # noqa: E731
    comes = lambda i: (279 - (i - 40), 0) if i >= 40 else None  # noqa: E731
    assert numbers(gone, comes) == [[1], [2]]


@pytest.mark.parametrize("start", [100, 250])
def test_a_fish_that_is_overlooked_stays_itself(start: int) -> None:
    """For three frames anywhere, at the border too."""
    fish = lambda i: (start + i, 0) if not 29 <= i < 32 else None  # noqa: E731
    assert numbers(fish, frames=30 if start == 250 else 60) == [[1]]
    still = lambda i: (280, 0) if not 29 <= i < 32 else None  # noqa: E731
    assert numbers(still) == [[1]]


def test_a_fish_behind_a_rock_stays_itself() -> None:
    """0.6 s unseen in the middle of the frame."""
    assert numbers(lambda i: (100 + i, 0) if not 20 <= i < 35 else None) == [[1]]


def test_a_slip_of_the_name_costs_no_number() -> None:
    """Back after a miss it is called an eel once; salmon came second with a good score."""
    lost, size = Sight(1, np.array([10, 10, 50, 30]), 0), SIZE
    slip = Sight(5, np.array([12, 10, 52, 30]), 1, 0, 0.4)
    sure = Sight(5, np.array([12, 10, 52, 30]), 1, 0, 0.05)
    untold = Sight(5, np.array([12, 10, 52, 30]), 1)
    assert [same_fish(lost, one, 0, size, 25) for one in (slip, sure, untold)] == [
        True, False, False
    ]  # fmt: skip
    small = Sight(5, np.array([12, 10, 22, 20]), 0)
    assert not same_fish(lost, small, 0, size, 25)
    assert same_fish(lost, Sight(2, small.box, 1), 0, size, 25)  # not lost at all


@pytest.mark.parametrize("between", [(34,), (38, 39)], ids=["in the gap", "right before"])
def test_a_box_on_none_in_its_gap_costs_a_fish_no_number(between: tuple[int, ...]) -> None:
    """A salmon is overlooked for ten frames, in which something there is called an eel."""

    def fish(i: int) -> tuple[float, int] | None:
        if i in between:
            return 100 + i, 1
        return (100 + i, 0) if not 30 <= i < 40 else None

    assert numbers(fish) == [[1, 2]]  # in order: 2 is the box between, and 1 goes on after it
    tracker = Tracker(NAMES, 25, SIZE, 0.3)
    seen = [fish(i) for i in range(60)]
    last = [tracker.update(detections([] if one is None else [(one[0], 0.95, one[1])]))
            for one in seen][-1]  # fmt: skip
    assert last.ids.tolist() == [1]


def test_fish_that_are_gone_take_no_memory() -> None:
    tracker = Tracker(NAMES, 5, SIZE, 0.3)
    for index in range(400):  # a new fish every twenty frames, far from the one before
        at = 40 if index // 20 % 2 else 240
        tracker.update(detections([(at, 0.9, 0)] if index % 20 < 5 else []))
    assert len(tracker.species()) == 20 and len(tracker._fish) <= 1
