"""Rows of a split, of folds, of few-shot subsets: no group crosses, species are everywhere.

Everything here works on one ``Annotations`` and returns rows of its pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.errors import FishDataError
from fish_dataset.splits.stratify import Problem, stratify

_TRAIN_ABSENT = 1000.0  # more than all others together: what is not trained cannot be found
_ABSENT = 10.0  # more than the shares can cost


@dataclass(frozen=True)
class Shortfall:
    """A species that a part has not.

    Attributes:
        species: Its name.
        part: The part without it.
        groups: Groups that the species occurs in.
        reason: In words, why.
    """

    species: str
    part: str
    groups: int
    reason: str


def images_per_class(annotations: Annotations) -> np.ndarray:
    """(N, C) bool, the pictures with a box of each class; crowd and ignored boxes do not count."""
    held = np.zeros((annotations.num_images, len(annotations.classes)), dtype=bool)
    counted = ~(annotations.crowd | annotations.ignore)
    held[annotations.box_image[counted], annotations.labels[counted]] = True
    return held


def split_rows(
    annotations: Annotations,
    groups: np.ndarray,
    ratios: Mapping[str, float],
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Split pictures so that no group crosses and every species that can be is in every part.

    Presence of species comes first, the share of pictures, boxes and species second: a site that
    alone holds a species may make a part larger than asked. A species of fewer groups than parts
    goes to the first part (train), then to those after it.

    Args:
        annotations: N pictures.
        groups: (N,) int64, 0 … G - 1; see ``fish_dataset.splits.grouping``.
        ratios: Share of each part by name, train first; they are scaled to a sum of 1.
        seed: Equal seeds give equal parts.

    Returns:
        Ascending rows (n,) int64 of each part; each row is in one.

    Raises:
        FishDataError: ratios that are none, or fewer groups than parts.
    """
    names = list(ratios)
    shares = _shares(ratios)
    absent = np.linspace(_ABSENT, _ABSENT * 0.9, len(names))
    absent[0] = _TRAIN_ABSENT
    part = _dealt(annotations, groups, shares, absent, seed)
    return {name: np.flatnonzero(part == number) for number, name in enumerate(names)}


def fold_rows(
    annotations: Annotations, groups: np.ndarray, folds: int, seed: int = 0
) -> list[np.ndarray]:
    """Rows of ``folds`` parts of about equal size, stratified like ``split_rows``.

    Raises:
        FishDataError: fewer than 2 folds, or fewer groups than folds.
    """
    if folds < 2:
        raise FishDataError(f"folds {folds}: at least 2 are needed")
    shares = np.full(folds, 1 / folds)
    part = _dealt(annotations, groups, shares, np.full(folds, _ABSENT), seed)
    return [np.flatnonzero(part == number) for number in range(folds)]


def shot_rows(
    annotations: Annotations, shots: Sequence[int], seed: int = 0
) -> dict[int, np.ndarray]:
    """Nested subsets in which each species is in at least k pictures, or in all that it has.

    Pictures are drawn by lot, the rarest species first, and whole: a picture of two species counts
    for both, so common species may have more than k. The subset of a smaller k is inside that of
    a larger one.

    Args:
        annotations: N pictures, such as a training split.
        shots: The k, each at least 1.
        seed: Equal seeds give equal subsets.

    Returns:
        Ascending rows by k, in ascending order of k.

    Raises:
        FishDataError: a k below 1, or no picture with a box.
    """
    if not shots or min(shots) < 1:
        raise FishDataError(f"shots {list(shots)}: each must be at least 1")
    held = images_per_class(annotations)
    if not held.any():
        raise FishDataError("few-shot subsets: no picture has a box that counts")
    order = np.random.default_rng(seed).permutation(len(held))
    rarest = np.argsort(held.sum(axis=0), kind="stable")
    taken = np.zeros(len(held), dtype=bool)
    subsets = {}
    for count in sorted(set(shots)):
        for label in rarest.tolist():
            rows = order[held[order, label]]
            missing = count - int(taken[rows].sum())
            if missing > 0:
                taken[rows[~taken[rows]][:missing]] = True
        subsets[count] = np.flatnonzero(taken)
    return subsets


def random_rows(count: int, sizes: Mapping[str, int], seed: int = 0) -> dict[str, np.ndarray]:
    """A split of ``count`` pictures by lot, without regard to groups, for comparison."""
    order = np.random.default_rng(seed).permutation(count)
    ends = np.cumsum(list(sizes.values()))
    pieces = np.split(order, ends[:-1])
    return {name: np.sort(rows) for name, rows in zip(sizes, pieces, strict=True)}


def shortfalls(
    annotations: Annotations, groups: np.ndarray, parts: Mapping[str, np.ndarray]
) -> list[Shortfall]:
    """What a split could not satisfy: each species and part without it, and why."""
    held = images_per_class(annotations)
    listed = []
    for label, species in enumerate(annotations.classes):
        count = len(np.unique(groups[held[:, label]]))
        if count >= len(parts):
            reason = "no deal of the groups found that has all species everywhere"
        else:
            reason = f"its pictures make {count} group{'s' * (count != 1)} for {len(parts)} parts"
        listed += [
            Shortfall(species, name, count, reason if count else "it has no pictures")
            for name, rows in parts.items()
            if not held[rows, label].any()
        ]
    return listed


def _dealt(
    annotations: Annotations,
    groups: np.ndarray,
    shares: np.ndarray,
    absent: np.ndarray,
    seed: int,
) -> np.ndarray:
    """(N,) int64, the part of each picture."""
    count = int(groups.max(initial=-1)) + 1
    if count < len(shares):
        raise FishDataError(
            f"{count} group{'s' * (count != 1)} of pictures cannot make {len(shares)} parts: no "
            "group may cross; use a finer key (--by video, --by name, --by image) or fewer parts"
        )
    counts, weights, species = _columns(annotations, groups, count)
    problem = Problem(counts, shares, weights, species, absent)
    return stratify(problem, seed)[groups]


def _columns(
    annotations: Annotations, groups: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns of the groups: pictures, empty pictures, pictures and boxes of each species."""
    held = images_per_class(annotations)
    classes = len(annotations.classes)
    counted = ~(annotations.crowd | annotations.ignore)
    boxes = np.zeros((annotations.num_images, classes))
    np.add.at(boxes, (annotations.box_image[counted], annotations.labels[counted]), 1)
    each = np.column_stack([np.ones(len(held)), ~held.any(axis=1), held, boxes])
    counts = np.zeros((count, each.shape[1]))
    np.add.at(counts, groups, each)
    # Pictures weigh as much as all species together, empty ones half of that.
    weights = np.concatenate([[1.0, 0.5], np.full(2 * classes, 0.5 / max(classes, 1))])
    species = np.zeros(len(weights), dtype=bool)
    species[2 : 2 + classes] = held.any(axis=0)
    return counts, weights * (counts.sum(axis=0) > 0), species


def _shares(ratios: Mapping[str, float]) -> np.ndarray:
    shares = np.array(list(ratios.values()), dtype=np.float64)
    if not len(shares) or not np.isfinite(shares).all() or (shares <= 0).any():
        raise FishDataError(
            f"ratios {list(ratios.values())}: positive numbers are needed, such as 0.7 0.2 0.1"
        )
    return shares / shares.sum()
