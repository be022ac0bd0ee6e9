"""The registered transforms: seeds, probabilities, boxes left alone, bad parameters."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.registry import TRANSFORMS

from fish_dataset.errors import FishDataError
from fish_dataset.transforms.particles import cast_caustics, scatter_snow

PIXEL = ("WaterColumn", "Caustics", "MarineSnow")


def results(seed: int = 0, height: int = 40, width: int = 56) -> dict:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return {
        "img": image,
        "img_shape": (height, width),
        "gt_bboxes": np.array([[3.5, 4.0, 20.25, 18.0]], np.float32),
        "gt_bboxes_labels": np.array([2]),
        "gt_ignore_flags": np.array([False]),
    }


def run(config: dict, seed: int, data: dict) -> dict:
    np.random.seed(seed)
    return TRANSFORMS.build(config)(copy.deepcopy(data))


@pytest.mark.parametrize("name", PIXEL)
@given(seed=st.integers(0, 2**31), size=st.tuples(st.integers(1, 70), st.integers(1, 70)))
@settings(max_examples=15, deadline=None)
def test_pixels_change_and_nothing_else(name: str, seed: int, size: tuple[int, int]) -> None:
    data = results(1, *size)
    changed = run({"type": name, "prob": 1.0}, seed, data)
    assert changed["img"].shape == data["img"].shape and changed["img"].dtype == np.uint8
    for key in set(data) - {"img"}:
        assert np.array_equal(changed[key], data[key])


@pytest.mark.parametrize("name", PIXEL)
def test_same_seed_same_bytes_and_another_seed_others(name: str) -> None:
    data = results()
    config = {"type": name, "prob": 1.0}
    first, again, other = (run(config, seed, data)["img"] for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, data["img"])


@pytest.mark.parametrize("name", PIXEL)
def test_prob_is_the_share_of_pictures_changed(name: str) -> None:
    data = results(height=8, width=8)
    np.random.seed(0)
    transform = TRANSFORMS.build({"type": name, "prob": 0.3})
    changed = sum(not np.array_equal(transform(dict(data))["img"], data["img"]) for _ in range(400))
    assert 0.2 < changed / 400 < 0.4
    never = TRANSFORMS.build({"type": name, "prob": 0})
    assert all(never(dict(data))["img"] is data["img"] for _ in range(20))


@pytest.mark.parametrize(
    "config",
    [
        {"type": "WaterColumn", "strength": 0},
        {"type": "WaterColumn", "far": (0, 0), "depth": (0, 0)},
        {"type": "Caustics", "strength": (0, 0)},
        {"type": "MarineSnow", "amount": (0, 0)},
    ],
)
def test_zero_strength_is_identity(config: dict) -> None:
    data = results()
    assert np.array_equal(run({**config, "prob": 1}, 3, data)["img"], data["img"])


def test_snow_brightens_dark_water_the_more_the_denser() -> None:
    dark = np.full((96, 96, 3), 20, np.uint8)
    means = [
        scatter_snow(dark, amount, np.random.default_rng(1)).mean() for amount in (0, 1, 10, 80)
    ]
    assert means == sorted(means) and means[-1] > means[0] + 1


def test_caustics_keep_the_mean_light_and_fade_downwards() -> None:
    grey = np.full((128, 128, 3), 100, np.uint8)
    lit = cast_caustics(grey, 0.5, np.random.default_rng(4)).astype(float)
    assert abs(lit.mean() - 100) < 12
    assert lit[:32].std() > 2 * lit[-16:].std()
    assert np.ptp(lit, axis=2).max() == 0  # white light


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"type": "WaterColumn", "prob": 1.5}, ["WaterColumn", "prob=1.5", "from 0 to 1"]),
        ({"type": "WaterColumn", "prob": "often"}, ["prob='often'"]),
        ({"type": "WaterColumn", "types": ["IB", "5C"]}, ["types=", "5C", "IB"]),
        ({"type": "WaterColumn", "types": []}, ["types=[]"]),
        ({"type": "WaterColumn", "far": (3, 1)}, ["far=(3, 1)", "(from, to)"]),
        ({"type": "WaterColumn", "far": 2}, ["far=2"]),
        ({"type": "WaterColumn", "depth": (-1, 2)}, ["depth=(-1, 2)"]),
        ({"type": "WaterColumn", "depth": (0, float("nan"))}, ["depth="]),
        ({"type": "WaterColumn", "min_transmission": 0}, ["min_transmission=0"]),
        ({"type": "Caustics", "strength": (0, 9)}, ["Caustics", "strength=(0, 9)"]),
        ({"type": "MarineSnow", "amount": None}, ["MarineSnow", "amount=None"]),
        ({"type": "CopyPasteFish", "mask": "outline"}, ["mask=['outline']", "grabcut"]),
        ({"type": "CopyPasteFish", "max_pasted": 0}, ["max_pasted=0"]),
        ({"type": "CopyPasteFish", "tries": True}, ["tries=True"]),
        ({"type": "CopyPasteFish", "scale": (0, 1)}, ["scale=(0, 1)"]),
    ],
)
def test_bad_parameters_are_named(config: dict, words: list[str]) -> None:
    with pytest.raises(FishDataError) as caught:
        TRANSFORMS.build(config)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), np.uint8), None]
)
def test_pictures_of_another_kind_are_refused(image: object) -> None:
    with pytest.raises(FishDataError, match="uint8 pictures"):
        TRANSFORMS.build({"type": "MarineSnow", "prob": 1})({"img": image})


def test_repr_says_the_parameters() -> None:
    assert "types=('II',)" in repr(TRANSFORMS.build({"type": "WaterColumn", "types": "II"}))
