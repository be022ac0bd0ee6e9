"""How much a split leaks: validation pictures that training has seen, or nearly so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fish_dataset.splits.names import split_name, usual_step
from fish_dataset.strings import Strings


@dataclass(frozen=True)
class Leak:
    """Of ``pictures`` held-out pictures, those close to a training picture.

    Attributes:
        pictures: Held-out pictures.
        same_group: Those whose group (video, site, …) has a picture in training.
        neighbour: Those whose next picture before or after, by the number in the file name, is in
            training.
        alike: Those that look nearly like a picture of training; None where nobody looked.
    """

    pictures: int
    same_group: int
    neighbour: int
    alike: int | None = None

    def words(self) -> str:
        """The shares, such as ``'12 of 50 (24.0 %) share a group …'``."""
        text = (
            f"{_share(self.same_group, self.pictures)} share a group with training, "
            f"{_share(self.neighbour, self.pictures)} are the next picture to one of training"
        )
        if self.alike is None:
            return text
        return f"{text}, {_share(self.alike, self.pictures)} look nearly like one of training"


def measure_leak(
    names: Strings,
    groups: np.ndarray,
    train: np.ndarray,
    held_out: np.ndarray,
    pairs: np.ndarray | None = None,
) -> Leak:
    """Count the held-out pictures that training has close relatives of.

    Args:
        names: N file names.
        groups: (N,) int64, the group of each picture.
        train: Rows of the training pictures.
        held_out: Rows of the others that are looked at.
        pairs: (P, 2) rows of pictures that look alike.
    """
    seen = np.zeros(len(names), dtype=bool)
    seen[train] = True
    before, after = neighbours(names)
    beside = (before >= 0) & seen[before] | (after >= 0) & seen[after]
    return Leak(
        pictures=len(held_out),
        same_group=int(np.isin(groups[held_out], groups[train]).sum()),
        neighbour=int(beside[held_out].sum()),
        alike=None if pairs is None else int(_touched(pairs, seen)[held_out].sum()),
    )


def _touched(pairs: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """(N,) bool, rows paired with one that is ``seen`` (N,)."""
    touched = np.zeros(len(seen), dtype=bool)
    for one, other in ((0, 1), (1, 0)):
        touched[pairs[seen[pairs[:, other]], one]] = True
    return touched


def neighbours(names: Strings) -> tuple[np.ndarray, np.ndarray]:
    """Rows (N,) of the picture before and after each, by the number in the name; -1 for none.

    Pictures are neighbours where all but the last number of their names is equal, and that number
    is no further apart than is usual there (see ``usual_step``).
    """
    stems: dict[str, list[tuple[int, int]]] = {}
    for row, name in enumerate(names):
        stem, number = split_name(name)
        if number is not None:
            stems.setdefault(stem, []).append((number, row))
    before = np.full(len(names), -1, dtype=np.int64)
    after = before.copy()
    for numbered in stems.values():
        step = usual_step(number for number, _ in numbered)
        numbered.sort()
        for (low, one), (high, other) in zip(numbered, numbered[1:], strict=False):
            if high - low <= step:
                after[one], before[other] = other, one
    return before, after


def _share(count: int, total: int) -> str:
    return f"{count} of {total} ({100 * count / max(total, 1):.1f} %)"
