"""Anchors by k-means, anchor generators, picture size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.models.task_modules.prior_generators import AnchorGenerator

from fish_dataset.stats import anchors, look_over

sides = st.floats(1, 500)
sizes = st.lists(st.tuples(sides, sides), min_size=1, max_size=40).map(np.array)


@given(sizes, sizes)
@settings(max_examples=40, deadline=None)
def test_iou_of_sizes_equals_boxes_about_one_centre(one: np.ndarray, other: np.ndarray) -> None:
    found = anchors.iou_of_sizes(one, other)
    for i, (w, h) in enumerate(one):
        for j, (v, g) in enumerate(other):
            shared = min(w, v) * min(h, g)
            assert found[i, j] == pytest.approx(shared / (w * h + v * g - shared))


def test_clusters_that_are_far_apart_are_found() -> None:
    rng = np.random.default_rng(0)
    true = np.array([[10, 10], [100, 30], [40, 200]], float)
    noisy = np.concatenate([c * rng.uniform(0.95, 1.05, (60, 2)) for c in true])
    found = anchors.cluster_sizes(noisy, 3)
    assert np.allclose(found, true[np.argsort(true.prod(1))], rtol=0.05)
    assert anchors.fit(noisy, found).iou > 0.9


@given(sizes, st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_clusters_are_repeatable_and_within_the_sizes(data: np.ndarray, number: int) -> None:
    found = anchors.cluster_sizes(data, number)
    assert np.array_equal(found, anchors.cluster_sizes(data, number))
    assert len(found) == min(number, len(np.unique(data, axis=0)))
    assert (found >= data.min(0) - 1e-9).all() and (found <= data.max(0) + 1e-9).all()
    assert np.all(np.diff(found.prod(1)) >= 0)


def test_more_anchors_fit_better() -> None:
    data = np.exp(np.random.default_rng(1).normal(3.5, 0.8, (400, 2)))
    reached = [anchors.fit(data, anchors.cluster_sizes(data, k)).iou for k in (1, 3, 9)]
    assert reached == sorted(reached) and reached[-1] > reached[0] + 0.1


def test_generator_makes_mmdet_s_anchors() -> None:
    """The same base anchors as mmdet's class, whose ratios are height to width."""
    scale, ratios = 5.0, (0.4, 0.8, 1.7)
    theirs = AnchorGenerator(strides=list(anchors.STRIDES), ratios=list(ratios), scales=[scale])
    base = np.concatenate([level.numpy() for level in theirs.base_anchors])
    widths_heights = base[:, 2:] - base[:, :2]
    data = np.exp(np.random.default_rng(2).normal(4, 1, (300, 2)))
    ours = anchors.generator(data, scale, ratios).fit
    assert ours.iou == pytest.approx(anchors.fit(data, widths_heights).iou, abs=1e-4)


def test_suggestion_fits_long_small_boxes_better_than_the_default() -> None:
    data = np.exp(np.random.default_rng(3).normal(2.5, 0.4, (300, 1))) * [[1.6, 0.6]]
    usual = anchors.generator(data, anchors.DEFAULT_SCALE, anchors.DEFAULT_RATIOS)
    ours = anchors.suggest_generator(data)
    assert ours.fit.iou > usual.fit.iou + 0.1 and ours.scale < 8
    assert all(ratio < 1 for ratio in ours.ratios)


@given(sizes)
@settings(max_examples=60, deadline=None)
def test_suggested_ratios_are_apart(data: np.ndarray) -> None:
    ratios = anchors.suggest_generator(data).ratios
    assert 1 <= len(ratios) <= 3
    assert all(b > 1.1 * a for a, b in zip(ratios, ratios[1:], strict=False))


def test_boxes_of_one_shape_ask_for_one_ratio() -> None:
    data = np.linspace(10, 200, 50)[:, None] * [[1.0, 0.5]]
    assert anchors.suggest_generator(data).ratios == (0.5,)


def test_suggestion_on_real_boxes_is_no_worse_than_the_recipe(fishdet_data) -> None:
    """At the 640 pixels that Aquarium is trained at, against the anchors of our compact config."""
    overview = look_over(fishdet_data / "aquarium", pictures=0, side=640, progress=False)
    recipe = anchors.generator(overview.sizes.sizes, 6, (0.35, 0.7, 1.4))
    assert overview.sizes.suggested.fit.iou > recipe.fit.iou > 0.6
    assert overview.sizes.suggested.fit.iou > overview.sizes.default.fit.iou


@given(st.lists(st.tuples(st.floats(0.005, 1), st.floats(0.005, 1)), min_size=1, max_size=50))
@settings(max_examples=60, deadline=None)
def test_at_the_suggested_size_the_tenth_percentile_reaches_the_pixels(pairs: list) -> None:
    relative = np.array(pairs)
    found = anchors.suggest_scale(relative, np.array([640.0]), 16)
    reached = np.percentile(relative.min(1), 10) * found.side
    assert found.side % 32 == 0 and reached >= 16 - 1e-3
    assert np.percentile(relative.min(1), 10) * (found.side - 32) < 16
    assert found.min_side == pytest.approx(reached) and found.stored == 640
