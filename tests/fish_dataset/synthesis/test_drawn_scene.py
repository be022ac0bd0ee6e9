"""Scenes: boxes are what the masks say, nothing is drawn without a box, equal seeds agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fish_dataset.synthesis import CLASSES, draw_scene
from fish_dataset.synthesis.cast import choose_cast
from fish_dataset.synthesis.layers import MIN_AREA, MIN_CONTRAST, contrast
from fish_dataset.synthesis.scene import _place_all
from fish_dataset.synthesis.setting import build_setting


def extent(mask: np.ndarray) -> list[float]:
    """The tight box of a mask, found pixel by pixel."""
    left, top, right, bottom = 10**6, 10**6, -1, -1
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            if mask[y, x]:
                left, right = min(left, x), max(right, x)
                top, bottom = min(top, y), max(bottom, y)
    return [left, top, right - left + 1, bottom - top + 1]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**40), size=st.sampled_from([64, 96, 130]))
def test_boxes_are_tight_and_inside_the_picture(seed: int, size: int) -> None:
    scene = draw_scene(np.random.SeedSequence([seed]), size)
    assert scene.image.shape == (size, size, 3) and scene.image.dtype == np.uint8
    assert len(scene.bboxes) == len(scene.labels) == len(scene.masks)
    assert scene.masks.sum(0).max(initial=0) <= 1  # no pixel belongs to two fish
    for bbox, label, mask in zip(scene.bboxes, scene.labels, scene.masks, strict=True):
        assert bbox.tolist() == extent(mask)
        x, y, width, height = bbox
        assert x >= 0 and y >= 0 and width >= 1 and height >= 1
        assert x + width <= size and y + height <= size
        assert mask.sum() >= MIN_AREA * (size / 256) ** 2
        assert 0 <= label < len(CLASSES)


def test_equal_seeds_give_equal_pictures_and_others_do_not() -> None:
    first, again, other = (draw_scene(np.random.SeedSequence([3, n]), 96) for n in (1, 1, 2))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first.image, other.image)


def test_a_group_shares_its_place() -> None:
    group = np.random.SeedSequence([8])
    setting = build_setting(group, 96)
    alone = draw_scene(np.random.SeedSequence([8, 1]), 96)
    shared = draw_scene(np.random.SeedSequence([8, 1]), 96, group=group)
    assert setting.water.site == build_setting(group, 96).water.site
    assert not np.array_equal(alone.image, shared.image)


@pytest.fixture(scope="module")
def sample() -> list:
    """Labels of 220 small pictures."""
    return [draw_scene(np.random.SeedSequence([11, n]), 64).labels for n in range(220)]


def test_every_species_swims_and_some_pictures_are_empty(sample: list) -> None:
    boxes = np.bincount(np.concatenate(sample), minlength=len(CLASSES))
    assert boxes.min() > 0.5 * boxes.mean() and boxes.max() < 2 * boxes.mean()
    counts = np.array([len(labels) for labels in sample])
    assert 0.02 < (counts == 0).mean() < 0.16
    assert 3.0 < counts.mean() < 5.0
    assert counts.max() <= 12


def test_look_alikes_share_a_school(sample: list) -> None:
    pair = {CLASSES.index("mackerel"), CLASSES.index("horse mackerel")}
    assert any(len(labels) >= 3 and set(labels.tolist()) == pair for labels in sample)


def test_placed_fish_stand_out_from_the_water() -> None:
    for seed in range(12):
        setting = build_setting(np.random.SeedSequence([5, seed]), 96)
        rng = np.random.default_rng(seed)
        for layer in _place_all(setting, choose_cast(setting.unit, True, rng), rng):
            if layer.label >= 0:
                assert contrast(setting.backdrop, layer, setting.medium) >= MIN_CONTRAST
