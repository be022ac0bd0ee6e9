"""Thresholds, NMS, flips and tiles on boxes made by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st

from fishdet.errors import FishdetError
from fishdet.inference.boxes import Boxes, above, class_agnostic, joined
from fishdet.inference.options import DetectionOptions
from fishdet.inference.runner_up import runner_up
from fishdet.inference.thresholds import parse_threshold, thresholds_for
from fishdet.inference.tiling import Tiling, cut_by_border, merge_tiles
from fishdet.inference.views import look

CLASSES = ("eel", "salmon")
NONE = np.zeros(0, bool)


def boxes(rows: list[tuple[float, ...]]) -> Boxes:
    """Rows of x1, y1, x2, y2, score, label."""
    table = np.array(rows, np.float32).reshape(-1, 6)
    labels = table[:, 5].astype(np.int64)
    scores = np.full((len(table), 2), np.nan, np.float32)
    scores[np.arange(len(table)), labels] = table[:, 4]
    return Boxes(table[:, :4], table[:, 4], labels, scores)


def rows(found: Boxes) -> list[list[float]]:
    table = np.column_stack([found.xyxy, found.scores.astype(np.float64).round(3), found.labels])
    return table.tolist()


def test_thresholds_by_class() -> None:
    np.testing.assert_allclose(thresholds_for(0.4, CLASSES), [0.4, 0.4])
    np.testing.assert_allclose(thresholds_for({"Salmon": 0.6}, CLASSES), [0.3, 0.6])
    np.testing.assert_allclose(thresholds_for({"eel": 0, "*": 0.9}, CLASSES), [0, 0.9])
    found = above(boxes([(0, 0, 9, 9, 0.5, 0), (0, 0, 9, 9, 0.5, 1), (5, 5, 9, 9, 0.8, 1)]),
                  np.array([0.5, 0.6], np.float32))  # fmt: skip
    assert rows(found) == [[5, 5, 9, 9, 0.8, 1], [0, 0, 9, 9, 0.5, 0]]
    with pytest.raises(FishdetError, match="'shark'.*no such class; it has eel, salmon"):
        thresholds_for({"shark": 0.5}, CLASSES)
    with pytest.raises(FishdetError, match="'eel': 7"):
        thresholds_for({"eel": 7}, CLASSES)


def test_thresholds_from_a_command_line() -> None:
    assert parse_threshold(["0.4"]) == 0.4
    assert parse_threshold(["horse mackerel=0.5", "0.2"]) == {"horse mackerel": 0.5, "*": 0.2}
    for wrong in (["a=b"], ["x"], ["0.1", "0.2"], ["eel=1", "eel=0.5"]):
        with pytest.raises(FishdetError, match="--score-thr"):
            parse_threshold(wrong)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_agnostic_nms_is_that_of_torchvision(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 60, (25, 2))
    table = np.hstack([corner, corner + rng.uniform(5, 40, (25, 2)), rng.random((25, 1)),
                       rng.integers(0, 2, (25, 1))])  # fmt: skip
    given_boxes = boxes([tuple(row) for row in table])
    kept = torchvision.ops.nms(
        torch.tensor(given_boxes.xyxy), torch.tensor(given_boxes.scores), 0.5
    )
    assert rows(class_agnostic(given_boxes, 0.5)) == rows(given_boxes.take(kept.numpy()))


def test_the_next_species() -> None:
    one = boxes([(0, 0, 9, 9, 0.6, 1), (0, 0, 5, 5, 0.5, 0)])
    one.class_scores[0] = [0.3, 0.6]
    labels, scores = runner_up(one)
    assert labels.tolist() == [0, -1]
    np.testing.assert_allclose(scores, [0.3, np.nan], rtol=1e-6)
    assert [len(column) for column in runner_up(boxes([]))] == [0, 0]


@given(st.integers(1, 900), st.integers(1, 900), st.integers(32, 300), st.floats(0, 0.9))
@settings(max_examples=60, deadline=None)
def test_tiles_cover_the_picture(height: int, width: int, side: int, overlap: float) -> None:
    windows = Tiling(side, overlap).windows(height, width)
    if height <= side and width <= side:
        assert windows == []
        return
    covered = np.zeros((height, width), bool)
    for x1, y1, x2, y2 in windows:
        assert (x2 - x1, y2 - y1) == (min(side, width), min(side, height))
        covered[y1:y2, x1:x2] = True
    assert covered.all() and len(set(windows)) == len(windows)


def test_a_border_inside_the_picture_cuts() -> None:
    tile = boxes(
        [(100, 40, 130, 60, 0.9, 0), (150, 0, 180, 20, 0.9, 0), (170, 50, 199, 90, 0.9, 0)]
    )
    assert cut_by_border(tile, (100, 0, 200, 100), 100, 300).tolist() == [True, False, True]
    assert cut_by_border(tile, (100, 0, 200, 100), 100, 200).tolist() == [True, False, False]


def test_pieces_of_a_fish_become_one() -> None:
    left = boxes([(60, 10, 100, 30, 0.7, 0)])
    right = boxes([(80, 10, 130, 30, 0.9, 0)])
    found = merge_tiles(boxes([]), [(left, np.array([True])), (right, np.array([True]))])
    assert rows(found) == [[60, 10, 130, 30, 0.9, 0]]


def test_a_piece_of_a_whole_fish_goes_and_a_small_fish_before_it_stays() -> None:
    whole = boxes([(60, 10, 130, 50, 0.6, 0)])
    piece = boxes([(60, 10, 100, 50, 0.95, 0)])
    small = boxes([(90, 20, 100, 30, 0.8, 0), (90, 20, 100, 30, 0.7, 1)])
    found = merge_tiles(whole, [(piece, np.array([True])), (small, np.array([False, False]))])
    assert sorted(rows(found)) == sorted(rows(joined([whole, small])))


def test_the_same_fish_of_two_tiles_is_one() -> None:
    first, second = boxes([(50, 50, 80, 70, 0.8, 1)]), boxes([(51, 50, 80, 71, 0.9, 1)])
    found = merge_tiles(boxes([]), [(first, np.array([False])), (second, np.array([False]))])
    assert rows(found) == [[51, 50, 80, 71, 0.9, 1]]
    assert len(merge_tiles(boxes([]), [(boxes([]), NONE)])) == 0


def bright_blobs(images: list[np.ndarray]) -> list[Boxes]:
    """A detector of what is white: the box around the white pixels of each image, as an eel."""
    found = []
    for image in images:
        y, x = np.nonzero(image[..., 0] > 200)
        box = [(x.min(), y.min(), x.max() + 1, y.max() + 1, 0.9, 0)] if len(x) else []
        found.append(boxes(box))
    return found


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("tile", [None, 64, 96])
def test_all_views_find_the_one_fish(flip: bool, tile: int | None) -> None:
    image = np.zeros((150, 210, 3), np.uint8)
    image[40:60, 50:110] = 255
    options = DetectionOptions(flip=flip, tile=tile, batch_size=3)
    found = look(bright_blobs, [image, image[:50]], options, thresholds_for(0.3, CLASSES))
    assert rows(found[0]) == [[50, 40, 110, 60, 0.9, 0]]
    assert rows(found[1]) == [[50, 40, 110, 50, 0.9, 0]]


@pytest.mark.parametrize(
    "wrong",
    [{"tile": 8}, {"tile": 64, "tile_overlap": 1.0}, {"batch_size": 0}, {"agnostic_nms": 0}],
)
def test_options_out_of_range(wrong: dict[str, float]) -> None:
    with pytest.raises(FishdetError):
        DetectionOptions(**wrong)  # type: ignore[arg-type]
