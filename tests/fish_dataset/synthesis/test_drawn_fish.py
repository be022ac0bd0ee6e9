"""The drawn fish: every species of the table, its place and size, its marks."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from fish_dataset.synthesis.curves import monotone_curve
from fish_dataset.synthesis.fish import draw_texture
from fish_dataset.synthesis.plans import BodyPlan
from fish_dataset.synthesis.pose import Pose, draw_fish
from fish_dataset.synthesis.species import (
    CLASSES,
    DECOYS,
    HORSE_MACKEREL,
    MACKEREL,
    RED_SEABREAM,
    ROCK_BREAM,
    SPECIES,
)


def rng() -> np.random.Generator:
    return np.random.default_rng(4)


def test_classes_are_the_tables_in_their_order() -> None:
    assert tuple(plan.name for plan in SPECIES) == CLASSES
    assert CLASSES[:4] == ("salmon", "eel", "mackerel", "horse mackerel")
    assert CLASSES[4:] == ("rock bream", "red seabream", "olive flounder")


@pytest.mark.parametrize("plan", SPECIES + DECOYS, ids=lambda plan: plan.name)
def test_a_straight_fish_has_its_length_and_is_premultiplied(plan: BodyPlan) -> None:
    patch, offset = draw_fish(plan, Pose(90.0), rng())
    columns = np.flatnonzero((patch[..., 3] > 0.5).any(0))
    assert abs(columns[-1] - columns[0] + 1 - 90) <= 4
    assert abs(offset[0] + (columns[0] + columns[-1]) / 2) <= 3  # centred on its place
    assert patch.min() >= -1e-6 and patch[..., 3].max() <= 1 + 1e-5
    assert (patch[..., :3].max(-1) <= patch[..., 3] * 1.6 + 1e-4).all()
    assert patch[0].max() == patch[-1].max() == 0  # nothing is cut off at the patch's border


@pytest.mark.parametrize("tilt", [-0.9, 0.0, 0.6])
@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("plan", SPECIES, ids=lambda plan: plan.name)
def test_a_bent_fish_fits_its_patch_in_one_piece(plan: BodyPlan, right: bool, tilt: float) -> None:
    pose = Pose(120.0, right, tilt, plan.bend, 1.3, 0.5)
    patch, _ = draw_fish(plan, pose, rng())
    for edge in (patch[0], patch[-1], patch[:, 0], patch[:, -1]):
        assert edge[..., 3].max() < 0.05
    solid = (patch[..., 3] > 0.5).astype(np.uint8)
    areas = cv2.connectedComponentsWithStats(solid)[2][1:, 4]
    assert areas.max() > 0.97 * areas.sum()


def test_mirrored_fish_look_the_other_way() -> None:
    sides = []
    for right in (False, True):
        patch, _ = draw_fish(ROCK_BREAM, Pose(100.0, right), rng())
        depth = (patch[..., 3] > 0.5).sum(0)
        where = np.average(np.arange(len(depth)), weights=depth) / len(depth)
        sides.append(where)
    assert sides[0] < 0.5 < sides[1]  # the deep part is nearer to the head


def test_yaw_squeezes_the_length() -> None:
    widths = []
    for yaw in (0.0, np.pi / 3):
        patch, _ = draw_fish(RED_SEABREAM, Pose(100.0, yaw=yaw), rng())
        widths.append(np.count_nonzero((patch[..., 3] > 0.5).any(0)))
    assert widths[1] / widths[0] == pytest.approx(0.5, abs=0.06)


def test_seven_bars_cross_the_rock_bream() -> None:
    texture = draw_texture(ROCK_BREAM, 400, rng())
    row = texture.pixels[round(texture.midline) - 12]
    body = row[20 : round(0.87 * 400), :3].mean(1)
    dark = body < 0.3
    runs = np.flatnonzero(np.diff(dark.astype(int)) == 1)
    assert len(runs) + int(dark[0]) in (7, 8)  # the pectoral fin may cut one in two


def test_marks_tell_the_look_alikes_apart() -> None:
    """Bars along the back make the mackerel's brightness waver; its look-alike has none."""
    wavering = []
    for plan in (MACKEREL, HORSE_MACKEREL):
        texture = draw_texture(plan, 400, rng())
        row = round(texture.midline - 0.07 * 400)  # the back, above the lateral line
        light = texture.pixels[row, 120:260, :3].mean(1)
        trend = np.convolve(light, np.full(21, 1 / 21), "same")  # a bar and a gap are 16 pixels
        wavering.append((light - trend)[12:-12].std())
    assert wavering[0] > 3 * wavering[1]


def test_red_seabream_is_red_and_spotted_blue() -> None:
    pixels = draw_texture(RED_SEABREAM, 300, rng()).pixels
    inside = pixels[pixels[..., 3] > 0.95][:, :3]
    plain = draw_texture(replace(RED_SEABREAM, marks=()), 300, rng()).pixels
    assert (inside[:, 2] > inside[:, 0]).mean() > 0.8
    blue = (pixels[..., 0] > pixels[..., 2] + 0.15).sum()
    assert blue > 100 and blue > 10 * (plain[..., 0] > plain[..., 2] + 0.15).sum()


def test_curve_passes_its_points_without_overshoot() -> None:
    points = [(0.0, 0.0), (0.2, 1.0), (0.5, 1.0), (0.9, 0.1), (1.0, 0.0)]
    x = np.linspace(0, 1, 500)
    y = monotone_curve(points, x)
    at = monotone_curve(points, np.array([u for u, _ in points]))
    np.testing.assert_allclose(at, [value for _, value in points], atol=1e-12)
    assert y.min() >= 0 and y.max() <= 1 + 1e-12
    assert (np.diff(y[x < 0.2]) >= 0).all() and (np.diff(y[x > 0.5]) <= 0).all()
