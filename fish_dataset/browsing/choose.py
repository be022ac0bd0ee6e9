"""Which pictures are shown."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.catalogue import find
from fish_dataset.errors import FishDataError


def labels_of(names: Sequence[str], classes: Sequence[str]) -> list[int]:
    """Labels of the classes that ``names`` mean, by spelling or by species.

    Raises:
        FishDataError: a name is none of the classes; the message lists them.
    """
    labels = []
    for name in names:
        matches = [i for i, known in enumerate(classes) if name in (known, known.casefold())]
        matches = matches or _same_species(name, classes)
        if not matches:
            near = difflib.get_close_matches(name, classes, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise FishDataError(
                f"class {name!r}: {hint}the data set has {', '.join(map(repr, classes))}"
            )
        labels += matches
    return sorted(set(labels))


def _same_species(name: str, classes: Sequence[str]) -> list[int]:
    species = find(name)
    if species is None:
        return []
    known = ((index, find(other)) for index, other in enumerate(classes))
    return [index for index, other in known if other is not None and other.id == species.id]


def rows_with(data: Annotations, labels: Sequence[int] | None) -> np.ndarray:
    """Rows (n,) int64 of the pictures that show one of ``labels``; None takes all pictures."""
    if labels is None:
        return np.arange(data.num_images)
    return np.unique(data.box_image[np.isin(data.labels, labels)])


def some(rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    """At most ``count`` of ``rows``, ascending; chance by ``seed`` picks where there are more."""
    if len(rows) > count:
        rows = np.random.default_rng(seed).choice(rows, count, replace=False)
    return np.sort(rows)
