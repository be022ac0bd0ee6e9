"""The rule for what is annotated, on planted layers whose truth is counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fish_dataset.synthesis.layers import Layer, annotate, contrast, counts, look, visibility
from fish_dataset.synthesis.water import WATERS, medium


def block(
    x: int, y: int, width: int, height: int, distance: float, label: int = 0, alpha: float = 1.0
) -> Layer:
    """A rectangle of one opacity, with a faint rim that belongs to nothing."""
    patch = np.full((height + 2, width + 2, 4), 0.3, np.float32)
    patch[1:-1, 1:-1] = alpha
    return Layer(patch, (x - 1, y - 1), distance, label)


def boxes(layers: list[Layer], shape: tuple[int, int] = (60, 80), unit: float = 1.0) -> list:
    return [(layer.label, seen.bbox, seen.area) for layer, seen in annotate(layers, shape, unit)]


def test_box_of_a_fish_that_nothing_hides() -> None:
    assert boxes([block(10, 20, 15, 6, 0.5, 3)]) == [(3, (10, 20, 15, 6), 90)]


def test_the_nearer_thing_hides_whatever_the_order() -> None:
    fish, rock = block(10, 20, 20, 10, 0.5), block(20, 15, 30, 30, 0.2, -1)
    for layers in ([fish, rock], [rock, fish]):
        assert boxes(layers) == [(0, (10, 20, 10, 10), 100)]
    assert boxes([fish, block(20, 15, 30, 30, 0.7, -1)]) == [(0, (10, 20, 20, 10), 200)]


def test_what_is_outside_the_picture_counts_as_hidden() -> None:
    assert boxes([block(-10, 20, 20, 10, 0.5)]) == [(0, (0, 20, 10, 10), 100)]
    assert boxes([block(-16, 20, 20, 20, 0.5)]) == []  # 20 % shows
    assert boxes([block(-40, 20, 20, 20, 0.5)]) == []
    assert boxes([block(100, 90, 20, 20, 0.5)]) == []


@pytest.mark.parametrize(("hidden", "kept"), [(13, True), (14, False)])
def test_a_third_and_more_must_show(hidden: int, kept: bool) -> None:
    fish, rock = block(10, 10, 20, 20, 0.5), block(10, 10, hidden, 20, 0.1, -1)
    assert bool(boxes([fish, rock])) is kept  # 35 % and 30 %


def test_forty_pixels_must_show_scaled_with_the_picture() -> None:
    assert boxes([block(10, 10, 10, 4, 0.5)]) and not boxes([block(10, 10, 13, 3, 0.5)])
    assert boxes([block(10, 10, 5, 2, 0.5)], unit=0.5)
    assert not boxes([block(10, 10, 10, 10, 0.5)], unit=2.0)


def test_a_fish_left_out_hides_nothing() -> None:
    rock = block(0, 0, 30, 60, 0.1, -1)
    nearly_hidden, behind = block(14, 10, 20, 20, 0.3, 1), block(30, 10, 20, 20, 0.6, 2)
    assert boxes([rock, nearly_hidden, behind]) == [(2, (30, 10, 20, 20), 400)]


def test_pixels_of_half_opacity_or_less_are_not_the_fish() -> None:
    assert boxes([block(10, 10, 20, 20, 0.5, alpha=0.5)]) == []
    assert boxes([block(10, 10, 20, 20, 0.5, alpha=0.51)])


def test_mask_and_fraction() -> None:
    hidden = np.zeros((60, 80), bool)
    hidden[:, :15] = True
    seen = visibility(block(10, 20, 10, 10, 0.5), hidden)
    assert seen is not None and seen.fraction == 0.5 and seen.bbox == (15, 20, 5, 10)
    expected = np.zeros((60, 80), bool)
    expected[20:30, 15:20] = True
    np.testing.assert_array_equal(seen.mask, expected)
    assert not counts(None, 1.0)


def test_distance_wipes_out_contrast() -> None:
    water = medium(WATERS[0], np.random.default_rng(0), (60, 80), 1.0)
    bright = [block(20, 20, 20, 10, distance) for distance in (0.0, 0.5, 1.0, 3.0)]
    seen = [contrast(water.image, layer, water) for layer in bright]
    assert seen == sorted(seen, reverse=True) and seen[0] > 2 * seen[-1]
    assert contrast(water.image, block(200, 20, 20, 10, 0.1), water) == 0


def test_near_things_keep_their_colour_and_far_ones_take_the_waters() -> None:
    water = medium(WATERS[0], np.random.default_rng(0), (60, 80), 1.0)
    light = water.light[30, 0] * water.caustic[25, 30]
    middle = (6, 11)
    near, far = (look(block(20, 20, 20, 10, distance), water)[middle] for distance in (0.0, 60.0))
    at = 20 - 1 + middle[0], 20 - 1 + middle[1]
    light = water.light[at[0], 0] * water.caustic[at]
    np.testing.assert_allclose(near[:3], light, rtol=1e-5)
    np.testing.assert_allclose(far[:3], water.image[at] * far[3], atol=0.02)
