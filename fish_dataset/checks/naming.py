"""Class names that mean one species."""

from __future__ import annotations

from collections.abc import Sequence

from fish_dataset.catalogue import find
from fish_dataset.catalogue.species import fold


def same_names(names: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Groups of names for one thing.

    Args:
        names: Class names, repeats allowed.

    Returns:
        For each group of two names or more, in the order of ``names``: 'category-lookalike' where
        they differ only in case, accents, spaces or signs, 'class-synonym' where the species
        catalogue knows them as one; and the names.
    """
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(_identity(name), []).append(name)
    return [(_rule(group), tuple(group)) for group in groups.values() if len(group) > 1]


def _identity(name: str) -> str:
    species = find(name)
    return f"species {species.id}" if species else f"name {fold(name)}"


def _rule(names: Sequence[str]) -> str:
    return "category-lookalike" if len({fold(name) for name in names}) == 1 else "class-synonym"
