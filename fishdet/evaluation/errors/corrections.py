"""What each kind of error costs: AP after its correction, less AP as it is.

The corrections are those of TIDE (see ``kinds``; paper, section 2.3). They are made one at a time
on the original detections, so their dAP do not add up to 1 − AP.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fish_dataset.annotations import Annotations

from .kinds import ERRORS, SHORT, Kind, Verdicts
from .precision import class_ap


@dataclass(frozen=True)
class Costs:
    """Fractions, at IoU 0.5.

    Attributes:
        ap: (C,) AP of each class, NaN for one without boxes.
        mean_ap: Over the classes with boxes; NaN where none has.
        main: dAP of the six kinds by the paper's name, never below 0.
        special: ``FalsePos``, with all wrong detections gone; ``FalseNeg``, with all boxes that
            were not found gone.
        per_class: dAP of each class by kind, (C,).
        counts: How many errors of each kind there are.
    """

    ap: np.ndarray
    mean_ap: float
    main: dict[str, float]
    special: dict[str, float]
    per_class: dict[str, np.ndarray]
    counts: dict[str, int]


def costs(annotations: Annotations, verdicts: Verdicts) -> Costs:
    """Score the detections as they are and after each correction.

    The mean runs over the classes that have boxes, as in COCO. (TIDE's code counts a class of
    which there are only detections as AP 0; that would charge every run for species that the
    pictures do not show.)
    """
    boxes = _boxes(annotations, verdicts.counted)
    scored = boxes > 0
    right = verdicts.kind == Kind.RIGHT
    labels = verdicts.detections.labels
    ap = class_ap(labels, right, boxes, scored)

    def gain(name: str) -> np.ndarray:
        return class_ap(*_corrected(annotations, verdicts, boxes, name), scored)

    names = [SHORT[kind] for kind in ERRORS]
    after = {name: gain(name) for name in (*names, "FalsePos", "FalseNeg")}
    main = {name: max(_mean(after[name]) - _mean(ap), 0.0) for name in names}
    counts = {SHORT[kind]: int((verdicts.kind == kind).sum()) for kind in ERRORS[:-1]}
    return Costs(
        ap=ap,
        mean_ap=_mean(ap),
        main=main,
        special={name: _mean(after[name]) - _mean(ap) for name in ("FalsePos", "FalseNeg")},
        per_class={name: after[name] - ap for name in names},
        counts={**counts, "Miss": int(verdicts.missed.sum())},
    )


def _corrected(
    annotations: Annotations, verdicts: Verdicts, boxes: np.ndarray, name: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels and rightness of the detections that stay, and the boxes of each class."""
    kind, labels = verdicts.kind, verdicts.detections.labels
    right = kind == Kind.RIGHT
    if name == "FalsePos":
        return labels[right], right[right], boxes
    if name == "FalseNeg":
        return labels, right, _boxes(annotations, verdicts.found)
    if name == "Miss":
        return labels, right, boxes - _boxes(annotations, verdicts.missed)
    wrong = np.array([SHORT.get(Kind(k)) == name for k in range(len(Kind))])[kind]
    mended = wrong & verdicts.mends
    labels = labels.copy()
    labels[mended] = annotations.labels[verdicts.box[mended]]
    kept = ~wrong | mended
    return labels[kept], (right | mended)[kept], boxes


def _boxes(annotations: Annotations, which: np.ndarray) -> np.ndarray:
    return np.bincount(annotations.labels[which], minlength=len(annotations.classes))


def _mean(values: np.ndarray) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")
