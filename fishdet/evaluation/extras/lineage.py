"""How far apart two classes are in the tree of life, by the species catalogue's lineages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fish_dataset.catalogue import find, lineage
from fish_dataset.catalogue.species import Species

LEVELS = ("species", "genus", "family", "order", "class", "group", "nothing")
"""Narrowest thing that two names share; level 0 is the right name, whatever its rank."""

NOTHING = len(LEVELS) - 1


@dataclass(frozen=True)
class Taxa:
    """C classes of a data set in the tree of life.

    Attributes:
        known: (C,) bool, whether the catalogue has the class.
        levels: (C, C) int64, index into ``LEVELS`` of what two classes share.
        sizes: (C,) int64, entries of each class' line: itself and all above, without those that
            all known classes have in common.
        shared: (C, C) int64, entries that two lines have in common.
    """

    known: np.ndarray
    levels: np.ndarray
    sizes: np.ndarray
    shared: np.ndarray


def taxa_of(classes: Sequence[str]) -> Taxa:
    """Look up classes by any name that the catalogue knows."""
    lines = [_line(name) for name in classes]
    keys = [frozenset(key for key, _ in line) for line in lines]
    told = [one for one in keys if one]
    common = frozenset.intersection(*told) if len(told) > 1 else frozenset()
    # a class that all others belong to is no common root but a name to be right or wrong
    common -= {line[0][0] for line in lines if line}
    count = len(classes)
    levels = np.full((count, count), NOTHING, np.int64)
    shared = np.zeros((count, count), np.int64)
    for i, line in enumerate(lines):
        for j, other in enumerate(keys):
            levels[i, j] = _level(line, other)
            shared[i, j] = len((keys[i] & other) - common)
    np.fill_diagonal(levels, 0)
    return Taxa(np.array([bool(line) for line in lines], bool), levels, shared.diagonal(), shared)


def _line(name: str) -> list[tuple[str, str]]:
    """(key, rank) of a class and all above it, narrowest first; empty where it is not known."""
    entry = find(name)
    if entry is None:
        return []
    line = [_key(one) for one in (entry, *lineage(entry))]
    latin = entry.scientific_name.split()  # empty in a user's own entries
    genus = latin[0] if latin and entry.rank == "species" else ""
    if genus and not any(rank == "genus" for _, rank in line):
        line.insert(
            1, (f"genus {genus.casefold()}", "genus")
        )  # the catalogue leaves it to the name
    return line


def _key(entry: Species) -> tuple[str, str]:
    if entry.rank == "genus" and entry.scientific_name:
        return f"genus {entry.scientific_name.casefold()}", "genus"
    return entry.id, entry.rank


def _level(line: list[tuple[str, str]], other: frozenset[str]) -> int:
    """Level of the narrowest entry of a line that is among the other one's keys; a group counts as
    the next ranked one above."""
    common = [rank for key, rank in line if key in other]
    if not common:
        return NOTHING
    ranked = [rank for rank in common if rank != "group"]
    # two names of one species still differ: nobody is right by half
    return max(LEVELS.index(ranked[0]), 1) if ranked else LEVELS.index("group")
