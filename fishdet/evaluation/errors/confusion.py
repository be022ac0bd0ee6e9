"""Who is taken for whom, and what false detections lie on."""

from __future__ import annotations

import numpy as np

from fish_dataset.annotations import Annotations

from .kinds import SHORT, Kind, Verdicts
from .outcome import Outcome, Seen


def confusion_matrix(annotations: Annotations, verdicts: Verdicts, seen: Outcome) -> np.ndarray:
    """(C + 1, C + 1) int64: rows are what is there, columns what was said.

    The last column counts missed boxes, the last row false detections, their corner is 0. A row
    of a species adds up to its boxes, a column to its detections at the threshold. How detections
    and boxes are paired stands in ``outcome``.
    """
    count = len(annotations.classes)
    labels, said = annotations.labels, verdicts.detections.labels
    matrix = np.zeros((count + 1, count + 1), np.int64)
    paired = seen.partner >= 0
    np.add.at(matrix, (labels[seen.partner[paired]], said[paired]), 1)
    np.add.at(matrix, (labels[seen.of_box == Seen.WRONG], count), 1)
    np.add.at(matrix, (count, said[seen.of_detection == Seen.WRONG]), 1)
    return matrix


def confusions(matrix: np.ndarray, most: int = 12) -> list[tuple[int, int, int]]:
    """The commonest (species, taken for, how often), two different species each."""
    mixed = matrix[:-1, :-1].copy()
    np.fill_diagonal(mixed, 0)
    order = np.argsort(-mixed, axis=None, kind="stable")[:most]
    places = (np.unravel_index(place, mixed.shape) for place in order.tolist())
    return [(int(a), int(b), int(mixed[a, b])) for a, b in places if mixed[a, b]]


def what_they_lie_on(
    annotations: Annotations, verdicts: Verdicts, seen: Outcome
) -> dict[str, np.ndarray]:
    """(C,) int64 by error kind: the wrong detections of each species above the threshold.

    ``Cls`` lie on another species, ``Loc`` beside one of their own, ``Both`` beside another,
    ``Dupe`` on one that is taken, ``Bkg`` on nothing; ``empty`` counts those on pictures without
    any box.
    """
    shown = (seen.of_detection != Seen.LEFT_OUT) & (verdicts.kind != Kind.RIGHT)
    labels, count = verdicts.detections.labels, len(annotations.classes)
    by_kind = {
        name: np.bincount(labels[shown & (verdicts.kind == kind)], minlength=count)
        for kind, name in SHORT.items()
        if kind != Kind.MISS
    }
    empty = (np.diff(annotations.offsets) == 0)[verdicts.detections.image_row]
    return {**by_kind, "empty": np.bincount(labels[shown & empty], minlength=count)}
