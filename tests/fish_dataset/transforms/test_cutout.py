"""Cutting fish out and laying them over: masks, extents, what stays visible."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fish_dataset.synthesis import draw_scene
from fish_dataset.transforms.copy_paste import free_fish
from fish_dataset.transforms.cutout import (
    Cutout,
    alpha,
    cut,
    ellipse,
    paste,
    pixel_box,
    transformed,
    visible_part,
)

sides = st.integers(1, 40)


def extent(mask: np.ndarray) -> tuple[int, int, int, int]:
    """By brute force: first and last row and column with a pixel set, as x1, y1, x2, y2."""
    y, x = np.nonzero(mask)
    return x.min(), y.min(), x.max() + 1, y.max() + 1


@given(height=sides, width=sides)
def test_ellipse_touches_all_four_sides(height: int, width: int) -> None:
    mask = ellipse((height, width))
    assert extent(mask) == (0, 0, width, height)
    assert np.array_equal(mask, mask[::-1]) and np.array_equal(mask, mask[:, ::-1])


@given(height=sides, width=sides)
def test_alpha_is_above_zero_on_the_mask_and_nowhere_else(height: int, width: int) -> None:
    mask = ellipse((height, width))
    soft = alpha(mask)
    assert np.array_equal(soft > 0, mask) and soft.max() <= 1 + 1e-6


@given(
    height=sides, width=sides, scale=st.floats(0.1, 3), flip=st.booleans(), seed=st.integers(0, 99)
)
@settings(max_examples=80, deadline=None)
def test_a_pasted_box_is_the_extent_of_the_pixels_changed(
    height: int, width: int, scale: float, flip: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random((height, width)) < 0.5
    mask[height // 2, width // 2] = True
    patch = np.full((height, width, 3), 255, np.uint8)
    x1, y1, x2, y2 = extent(mask)
    fish = transformed(Cutout(patch[y1:y2, x1:x2], mask[y1:y2, x1:x2], np.zeros(3)), scale, flip)
    image = np.zeros((150, 150, 3), np.uint8)
    corner = int(rng.integers(0, 150 - fish.size[1])), int(rng.integers(0, 150 - fish.size[0]))
    box = paste(image, fish, corner, harmonise=0.0)
    assert np.array_equal(extent(alpha(fish.mask) > 0), (0, 0, *fish.size[::-1]))
    changed = np.zeros((150, 150), bool)
    changed[corner[1] : corner[1] + fish.size[0], corner[0] : corner[0] + fish.size[1]] = fish.mask
    assert np.array_equal(box, extent(changed))
    assert not image[~changed].any()


def test_grabcut_finds_drawn_fish_better_than_the_ellipse() -> None:
    """Against the masks that the drawn scenes know; both masks lie within the box."""
    overlaps: dict[str, list[float]] = {"grabcut": [], "ellipse": []}
    for seed in (3, 5, 17, 37):
        scene = draw_scene(np.random.SeedSequence([seed, 5]), 320)
        boxes = np.concatenate([scene.bboxes[:, :2], scene.bboxes[:, :2] + scene.bboxes[:, 2:]], 1)
        for row in free_fish(boxes, (320, 320), 12):
            corners, truth = boxes[row], scene.masks[row]
            x1, y1, x2, y2 = pixel_box(corners, (320, 320))
            for method in ("grabcut", "ellipse"):
                fish = cut(scene.image, corners, method)  # type: ignore[arg-type]
                assert fish.size[0] <= y2 - y1 and fish.size[1] <= x2 - x1
                shared = _best_overlap(fish.mask, truth[y1:y2, x1:x2])
                overlaps[method].append(shared)
    assert len(overlaps["grabcut"]) >= 8
    assert np.mean(overlaps["grabcut"]) > np.mean(overlaps["ellipse"]) + 0.1
    assert (np.array(overlaps["grabcut"]) >= np.array(overlaps["ellipse"])).all()


def _best_overlap(mask: np.ndarray, truth: np.ndarray) -> float:
    """IoU at the best place of the trimmed mask within the box."""
    best = 0.0
    for y in range(truth.shape[0] - mask.shape[0] + 1):
        for x in range(truth.shape[1] - mask.shape[1] + 1):
            placed = np.zeros_like(truth)
            placed[y : y + mask.shape[0], x : x + mask.shape[1]] = mask
            best = max(best, (placed & truth).sum() / (placed | truth).sum())
    return best


def test_cutting_is_repeatable_and_works_at_the_edge_and_on_one_pixel() -> None:
    scene = draw_scene(np.random.SeedSequence([3, 5]), 128)
    for corners in ([0, 0, 128, 128], [0, 0, 40, 30], [127, 127, 128, 128], [5.2, 5.2, 5.4, 5.4]):
        box = np.array(corners, np.float32)
        first, again = cut(scene.image, box), cut(scene.image, box)
        assert np.array_equal(first.mask, again.mask)
        assert extent(first.mask) == (0, 0, *first.size[::-1])


@given(
    box=st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(1, 20), st.integers(1, 20)),
    corner=st.tuples(st.integers(0, 35), st.integers(0, 35)),
    size=st.tuples(st.integers(1, 25), st.integers(1, 25)),
    seed=st.integers(0, 999),
)
@settings(max_examples=150, deadline=None)
def test_visible_part_equals_a_count_over_the_whole_picture(
    box: tuple, corner: tuple, size: tuple, seed: int
) -> None:
    x, y, w, h = box
    mask = np.random.default_rng(seed).random(size) < 0.8
    fish = np.zeros((80, 80), bool)
    fish[y : y + h, x : x + w] = True
    covered = np.zeros((80, 80), bool)
    covered[corner[1] : corner[1] + size[0], corner[0] : corner[0] + size[1]] = mask
    share, rest = visible_part(
        np.array([x, y, x + w, y + h], np.float32), mask, corner, (80, 80, 3)
    )
    assert share == (fish & ~covered).sum() / fish.sum()
    if share > 0:
        assert tuple(rest) == extent(fish & ~covered)


def test_fractions_of_a_box_survive_where_nothing_covers_its_sides() -> None:
    box = np.array([10.25, 10.5, 20.75, 19.5], np.float32)
    share, rest = visible_part(box, np.ones((2, 2), bool), (14, 14), (40, 40, 3))
    assert 0.9 < share < 1 and np.array_equal(rest, box)
    share, rest = visible_part(box, np.ones((30, 5), bool), (8, 5), (40, 40, 3))
    assert np.array_equal(rest, np.array([13, 10.5, 20.75, 19.5], np.float32))
