"""Names of one species; groups on two sides of a split."""

from __future__ import annotations

import numpy as np

from fish_dataset.checks.groups import borders, crossing, random_bits
from fish_dataset.checks.naming import same_names


def test_names_of_one_species():
    names = ("Mackerel", "kelp", "고등어", "Sea bass?", "sea_bass?", "mackerel", "Sëa-Bass?", "eel")
    assert same_names(names) == [
        ("class-synonym", ("Mackerel", "고등어", "mackerel")),
        ("category-lookalike", ("Sea bass?", "sea_bass?", "Sëa-Bass?")),
    ]
    assert same_names(("eel", "eel", "salmon")) == []
    assert same_names(()) == []


def test_groups_that_cross():
    index = np.array([0, 0, 1, 1, -1, -1, 2])
    split = np.array([0, 1, 1, 1, 0, 1, 0])
    assert crossing(index, split).tolist() == [0]
    assert crossing(np.zeros(0, int), np.zeros(0, int)).tolist() == []


def test_borders_are_neighbours_by_name_in_other_splits():
    index = np.array([0, 0, 0, 0, 1])
    split = np.array([0, 0, 1, 0, 1])
    order = np.array([3, 0, 1, 2, 4])  # by name: 1, 2, 3, 0
    everything = np.ones(5, bool)
    assert borders(index, split, order, everything).tolist() == [[1, 2], [2, 3]]
    without = np.array([True, True, False, True, True])
    assert borders(index, split, order, without).tolist() == []


def test_random_pairs_differ_in_half_of_the_bits():
    hashes = np.random.default_rng(1).integers(0, 2**64, (500, 2), dtype=np.uint64)
    assert abs(random_bits(hashes, np.ones(500, bool)) - 64) < 2
    assert np.isnan(random_bits(hashes, np.arange(500) == 3))
