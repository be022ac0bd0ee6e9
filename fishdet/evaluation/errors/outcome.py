"""What a user sees at one score threshold: found, misnamed, missed, false.

TIDE looks at all detections, down to the lowest score. A user shows those above a threshold, and
there every detection is right, misnamed or false, and every box is found, misnamed or missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from fish_dataset.annotations import Annotations

from .kinds import FOREGROUND, Kind, Verdicts
from .matching import match, select
from .overlaps import overlapping
from .precision import best_f1, curve


class Seen(IntEnum):
    """Of a detection and of a box."""

    RIGHT = 0  # a box: found
    MISNAMED = 1
    WRONG = 2  # a detection: false; a box: missed
    LEFT_OUT = 3  # a detection below the threshold; a box that does not count


@dataclass(frozen=True)
class Outcome:
    """K detections and M boxes at a threshold.

    Attributes:
        threshold: Detections of this score and above are shown.
        f1: F1 over all classes there.
        best: Whether the threshold was chosen for the highest F1.
        of_detection: (K,) int8, ``Seen``, as ``Verdicts.detections``.
        of_box: (M,) int8, ``Seen``.
        partner: (K,) int64, the box of a right or misnamed detection, else -1.
    """

    threshold: float
    f1: float
    best: bool
    of_detection: np.ndarray
    of_box: np.ndarray
    partner: np.ndarray


def outcome(
    annotations: Annotations, verdicts: Verdicts, threshold: float | None = None
) -> Outcome:
    """Judge what stands at a threshold.

    A detection that finds a box of its species by COCO's matching is right. Those left over take,
    the best first, the free box that they overlap most with IoU ≥ 0.5, whatever its species: a
    misnamed fish. The rest are false, and boxes that nobody took are missed. So the diagonal of
    the confusion matrix counts the detections that average precision counts as right.

    Args:
        annotations: Ground truth.
        verdicts: Of its detections.
        threshold: By default the one of the highest F1 over all classes together.
    """
    found = verdicts.detections
    right = verdicts.kind == Kind.RIGHT
    drawn = curve(right, found.scores, max(int(verdicts.counted.sum()), 1))
    best = threshold is None
    if threshold is None:
        threshold, _ = best_f1(drawn)
    shown = found.scores >= threshold
    partner = np.where(right & shown, verdicts.box, -1)
    free = verdicts.counted.copy()
    free[partner[partner >= 0]] = False
    left = np.flatnonzero(shown & ~right)
    pairs = overlapping(annotations, select(found, left), FOREGROUND, free)
    partner[left] = match(pairs, len(left), annotations.num_boxes)
    of_detection = np.select(
        [~shown, right, partner >= 0], [Seen.LEFT_OUT, Seen.RIGHT, Seen.MISNAMED], Seen.WRONG
    )
    of_box = np.where(verdicts.counted, Seen.WRONG, Seen.LEFT_OUT)
    paired = partner >= 0
    of_box[partner[paired]] = of_detection[paired]
    count = int(shown.sum()) + int(verdicts.counted.sum())
    hits = int((right & shown).sum())
    return Outcome(
        threshold=float(threshold),
        f1=2 * hits / count if count else float("nan"),
        best=best,
        of_detection=of_detection.astype(np.int8),
        of_box=of_box.astype(np.int8),
        partner=partner,
    )
