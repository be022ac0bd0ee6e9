"""What is wrong with a detection: the error kinds of TIDE.

Bolya, Foley, Hays, Hoffman: TIDE: A General Toolbox for Identifying Object Detection Errors, ECCV
2020, https://arxiv.org/abs/2008.08115 section 2.2, and its code, which settles what the text
leaves open (order of the tests, one correction a box): https://github.com/dbolya/tide,
``tidecv/quantify.py`` and ``tidecv/errors/``; read 2026-11-25.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from fish_dataset.annotations import Annotations

from ..detections import Detections
from ..ignored import without_ignored
from .matching import match, ranked, select
from .overlaps import Pairs, counted_boxes, overlapping, share_inside

FOREGROUND, BACKGROUND = 0.5, 0.1  # the paper's t_f and t_b


class Kind(IntEnum):
    """Of a detection; ``MISS`` is of a box."""

    RIGHT = 0
    CLS = 1  # right place, wrong class
    LOC = 2  # right class, IoU between t_b and t_f
    BOTH = 3  # neither class nor place
    DUPE = 4  # right, but the box was taken by a better one
    BKG = 5  # on nothing
    MISS = 6  # a box that no detection finds, and none would after its correction


ERRORS = (Kind.CLS, Kind.LOC, Kind.BOTH, Kind.DUPE, Kind.BKG, Kind.MISS)
SHORT = {Kind.CLS: "Cls", Kind.LOC: "Loc", Kind.BOTH: "Both", Kind.DUPE: "Dupe", Kind.BKG: "Bkg",
         Kind.MISS: "Miss"}  # fmt: skip
"""The paper's names."""


@dataclass(frozen=True)
class Verdicts:
    """K detections, best first, and M boxes, judged.

    Attributes:
        detections: Those that count: without what lies on ignored boxes and crowds, and without
            those beyond the limit of an image and class.
        kind: (K,) int8, ``Kind``.
        box: (K,) int64, the box that was found (RIGHT), or that the error is about: missed by a
            hand (LOC), of another class (CLS, BOTH) or taken (DUPE); -1 for BKG.
        iou: (K,) float64, IoU with ``box``; 0 without.
        mends: (K,) bool, CLS and LOC that would find their box once corrected.
        counted: (M,) bool, boxes that are to be found.
        found: (M,) bool, found by a detection of their class.
        missed: (M,) bool, MISS.
    """

    detections: Detections
    kind: np.ndarray
    box: np.ndarray
    iou: np.ndarray
    mends: np.ndarray
    counted: np.ndarray
    found: np.ndarray
    missed: np.ndarray


def judge(
    annotations: Annotations,
    detections: Detections,
    *,
    limit: int = 100,
    foreground: float = FOREGROUND,
    background: float = BACKGROUND,
) -> Verdicts:
    """Say of each detection whether it is right and, if not, which error it is.

    The tests come in the order of TIDE's code: Loc, Cls, Dupe, Bkg, and what is left is Both.

    Args:
        annotations: Ground truth.
        detections: Of its pictures.
        limit: Detections of an image and class that count, the best ones, as in COCO (TIDE's code
            takes the best of an image, whatever their class).
        foreground: t_f, IoU from which a box counts as found.
        background: t_b, IoU up to which a detection lies on nothing.

    Raises:
        FishdetError: detections that cannot be scored (see ``Detections.check``).
    """
    detections.check(annotations.num_images, len(annotations.classes))
    scored = ranked(annotations, without_ignored(annotations, detections), limit)
    counted = counted_boxes(annotations)
    pairs = overlapping(annotations, scored, background, counted)
    able = pairs.where(pairs.same & (pairs.iou >= foreground))
    matched = match(able, len(scored), annotations.num_boxes)
    # A crowd is of its class; what finds no box and lies half in it is neither right nor wrong.
    inside = share_inside(annotations, scored, annotations.crowd & ~annotations.ignore)
    kept = (matched >= 0) | (inside < foreground)
    if not kept.all():
        renumbered = np.cumsum(kept) - 1
        pairs = pairs.where(kept[pairs.detection])
        pairs = Pairs(renumbered[pairs.detection], pairs.box, pairs.iou, pairs.same)
        scored, matched = select(scored, kept), matched[kept]
    return _verdicts(scored, matched, pairs, counted, foreground, background)


def _verdicts(
    scored: Detections,
    matched: np.ndarray,
    pairs: Pairs,
    counted: np.ndarray,
    foreground: float,
    background: float,
) -> Verdicts:
    found = np.zeros(len(counted), bool)
    found[matched[matched >= 0]] = True
    own_box, own_iou = _best(pairs.where(pairs.same), len(scored))
    other_box, other_iou = _best(pairs.where(~pairs.same), len(scored))
    kind = np.select(
        [
            matched >= 0,
            (own_iou >= background) & (own_iou <= foreground),
            other_iou >= foreground,
            own_iou >= foreground,
            np.maximum(own_iou, other_iou) <= background,
        ],
        [Kind.RIGHT, Kind.LOC, Kind.CLS, Kind.DUPE, Kind.BKG],
        Kind.BOTH,
    ).astype(np.int8)
    own = np.isin(kind, (Kind.LOC, Kind.DUPE))
    other = np.isin(kind, (Kind.CLS, Kind.BOTH))
    box = np.select([matched >= 0, own, other], [matched, own_box, other_box], -1)
    mends = _mends(kind, box, found)
    usable = found.copy()
    usable[box[mends]] = True
    return Verdicts(
        detections=scored,
        kind=kind,
        box=box,
        iou=_iou_with(pairs, box),
        mends=mends,
        counted=counted,
        found=found,
        missed=counted & ~usable,
    )


def _best(pairs: Pairs, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(count,) the box of the highest IoU, -1 without any, and that IoU; the first of equals."""
    order = np.lexsort((pairs.box, -pairs.iou, pairs.detection))
    detection, first = np.unique(pairs.detection[order], return_index=True)
    box, iou = np.full(count, -1), np.zeros(count)
    box[detection], iou[detection] = pairs.box[order][first], pairs.iou[order][first]
    return box, iou


def _mends(kind: np.ndarray, box: np.ndarray, found: np.ndarray) -> np.ndarray:
    """(K,) the best CLS or LOC of each box that is not found: one correction a box."""
    able = np.flatnonzero(np.isin(kind, (Kind.CLS, Kind.LOC)))
    able = able[~found[box[able]]]
    _, first = np.unique(box[able], return_index=True)  # rows ascend: the best comes first
    mends = np.zeros(len(kind), bool)
    mends[able[first]] = True
    return mends


def _iou_with(pairs: Pairs, box: np.ndarray) -> np.ndarray:
    iou = np.zeros(len(box))
    chosen = pairs.where(box[pairs.detection] == pairs.box)
    iou[chosen.detection] = chosen.iou
    return iou
