"""More water before the camera: what physics says must hold of the picture."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fish_dataset.transforms.jerlov import JERLOV
from fish_dataset.transforms.water_column import (
    GAMMA,
    NEAR,
    add_water,
    range_map,
    visible_range,
)

names = st.sampled_from(sorted(JERLOV))
metres = st.floats(0, 6)


def picture(seed: int, height: int = 24, width: int = 31) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def flat(value: int) -> np.ndarray:
    return np.full((20, 16, 3), value, np.uint8)


@given(seed=st.integers(0, 99), name=names, far=metres, depth=metres)
@settings(max_examples=40, deadline=None)
def test_shape_and_type_stay_and_the_original_is_untouched(
    seed: int, name: str, far: float, depth: float
) -> None:
    image = picture(seed)
    before = image.copy()
    changed = add_water(image, JERLOV[name], far, depth)
    assert changed.shape == image.shape and changed.dtype == np.uint8
    assert np.array_equal(image, before)


@given(seed=st.integers(0, 99), name=names)
@settings(max_examples=20, deadline=None)
def test_no_water_changes_nothing_and_a_millimetre_almost_nothing(seed: int, name: str) -> None:
    image = picture(seed)
    assert np.array_equal(add_water(image, JERLOV[name], 0.0, 0.0), image)
    nearly = add_water(image, JERLOV[name], 1e-6, 0.0).astype(int)
    assert np.abs(nearly - image).max() <= 1


@given(name=names, far=st.floats(0.05, 5), more=st.floats(0.05, 5))
@settings(max_examples=40, deadline=None)
def test_more_range_means_less_red_of_a_white_thing(name: str, far: float, more: float) -> None:
    near_red = add_water(flat(255), JERLOV[name], far, 0.0)[..., 2].astype(int)
    far_red = add_water(flat(255), JERLOV[name], far + more, 0.0)[..., 2].astype(int)
    assert (far_red <= near_red).all()
    assert near_red[0, 0] <= near_red[-1, 0]  # the upper edge is further away


@given(name=names, depth=st.floats(0, 8), more=st.floats(0.5, 8))
@settings(max_examples=40, deadline=None)
def test_more_depth_means_no_more_red(name: str, depth: float, more: float) -> None:
    shallow = add_water(flat(200), JERLOV[name], 1.0, depth)[..., 2].astype(int)
    deep = add_water(flat(200), JERLOV[name], 1.0, depth + more)[..., 2].astype(int)
    assert (deep <= shallow).all()


@pytest.mark.parametrize("name", ["I", "II", "1C"])
def test_one_pixel_by_hand(name: str) -> None:
    """A flat picture is its own blur: I = J E exp(-G z) + W V E (1 - exp(-G z))."""
    far, depth, value = 1.7, 3.0, 180
    a, b, k = JERLOV[name].absorption, JERLOV[name].scattering, JERLOV[name].downward
    for rgb in range(3):
        g = a[rgb] + 0.3 * b[rgb]
        through = math.exp(-g * far)
        light = (value / 255) ** GAMMA
        daylight = math.exp(-(k[rgb] - min(k)) * depth)
        seen = daylight * (light * through + light * (0.3 * b[rgb] / g) * (1 - through))
        found = add_water(flat(value), JERLOV[name], far, depth)[0, 0, 2 - rgb]
        assert abs(int(found) - 255 * seen ** (1 / GAMMA)) <= 1


@pytest.mark.parametrize("name", sorted(JERLOV))
def test_far_away_only_the_veil_is_left(name: str) -> None:
    image = picture(3)
    far = add_water(image, JERLOV[name], 2000.0, 0.0)
    assert np.ptp(far[0].reshape(-1, 3), axis=0).max() == 0
    assert (JERLOV[name].veil < 1).all()


def test_red_goes_first_and_coastal_water_is_dimmest_in_blue() -> None:
    for name in ("I", "IA", "IB", "II"):
        blue, green, red = JERLOV[name].effective
        assert red > green and red > blue
    blue, green, red = JERLOV["9C"].effective
    assert blue > green and blue > red


def test_scattering_blurs_and_pure_water_does_not() -> None:
    image = np.zeros((640, 64, 3), np.uint8)
    image[:, 32:] = 255
    clear = add_water(image, JERLOV["I"], 2.0, 0.0)[0, :, 1].astype(int)
    murky = add_water(image, JERLOV["7C"], 2.0, 0.0)[0, :, 1].astype(int)
    assert len(np.unique(clear)) == 2
    assert len(np.unique(murky)) > 4


def test_range_map_falls_in_a_straight_line() -> None:
    rows = range_map(5, 2.0)[:, 0, 0]
    assert rows[0] == 2.0 and rows[-1] == pytest.approx(2.0 * NEAR)
    assert np.allclose(np.diff(rows), rows[1] - rows[0])


@given(name=names, transmission=st.floats(0.05, 0.99))
def test_visible_range_leaves_that_much_light(name: str, transmission: float) -> None:
    metres = visible_range(JERLOV[name], transmission)
    arrives = np.exp(-JERLOV[name].effective * metres)
    assert arrives.max() == pytest.approx(transmission)
