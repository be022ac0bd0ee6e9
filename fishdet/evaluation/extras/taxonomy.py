"""Taxonomic scores: a wrong species of the right genus is less wrong than a wrong family.

Each box is named by the detection of any class that takes it: COCO's matching at IoU 0.5 without
classes, among the detections above their class' threshold. The severity of a misnaming is the
level of the narrowest taxon that both names share: genus 1, family 2, order 3, class 4, a wider
group 5, nothing 6. It is the "hierarchical distance of a mistake", the height of the lowest common
ancestor, of Bertinetto et al., Making Better Mistakes, CVPR 2020,
https://arxiv.org/abs/1912.09393, 2026-11-25, with the ranks of taxonomy as heights, since lineages
here name some ranks and skip others.

Hierarchical precision and recall are those of Kiritchenko et al. 2006 (in
https://hiclass.readthedocs.io/en/latest/algorithms/metrics.html, 2026-11-25): names are replaced by
all taxa above them, hP = Σ|P∩T| / Σ|P|, hR = Σ|P∩T| / Σ|T|, without the taxa that all classes of
the data set share (the root). Detections that take no box add to Σ|P| alone, boxes that are not
found to Σ|T| alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fish_dataset.annotations import Annotations

from ..detections import Detections
from ..ignored import without_ignored
from ..matching import match
from .lineage import LEVELS, taxa_of


@dataclass(frozen=True)
class Named:
    """What boxes are called, by class index.

    Attributes:
        truth: (P,) class of each box that was found.
        given: (P,) class that the detection which took it gave.
        false: (F,) classes of detections that took no box.
        missed: (M,) classes of boxes that were not found.
    """

    truth: np.ndarray
    given: np.ndarray
    false: np.ndarray
    missed: np.ndarray


def name_boxes(
    annotations: Annotations,
    detections: Detections,
    thresholds: Sequence[float | None],
    max_dets: int,
) -> Named:
    """Match boxes and detections of any class at IoU 0.5.

    Args:
        annotations: ground truth of C classes.
        detections: checked.
        thresholds: C scores from which a detection of the class counts; None: none does.
        max_dets: best detections of an image that count.
    """
    left = without_ignored(annotations, detections)
    limits = np.array([np.inf if t is None else t for t in thresholds])
    kept = np.flatnonzero(left.scores >= limits[left.labels])
    labels = left.labels[kept]
    blind = Detections(
        left.image_row[kept], left.bboxes[kept], left.scores[kept], np.zeros(len(kept), np.int64)
    )
    one = replace(annotations, classes=("any",), labels=np.zeros(annotations.num_boxes, np.int32))
    found = match(one, blind, max_dets=max_dets, thresholds=np.array([0.5]))
    given, right, ignored = labels[found.row], found.right[:, 0], found.ignored[:, 0]
    taken = found.box[right, 0]
    missed = ~(annotations.crowd | annotations.ignore)
    missed[taken] = False
    return Named(
        annotations.labels[taken].astype(np.int64),
        given[right],
        given[~right & ~ignored],
        annotations.labels[missed].astype(np.int64),
    )


def taxonomic_scores(classes: Sequence[str], named: Named) -> dict[str, Any]:
    """Scores of names.

    Args:
        classes: C names, looked up in the species catalogue.
        named: see :func:`name_boxes`.

    Returns:
        ``matched`` boxes; ``levels``: how many of them at each of ``LEVELS``; ``accuracy``: share
        named right to species, genus, family, order and class; ``mistake_severity``: mean level of
        the misnamed; ``hierarchical_distance``: the mean over all matched; ``hP``, ``hR``, ``hF``;
        ``unknown_species``: classes that the catalogue lacks, and ``left_out``: the boxes and
        detections of them, which count nowhere here. None where there is nothing to divide by.
    """
    taxa = taxa_of(classes)
    pair = taxa.known[named.truth] & taxa.known[named.given]
    truth, given = named.truth[pair], named.given[pair]
    false, missed = (ends[taxa.known[ends]] for ends in (named.false, named.missed))
    level = taxa.levels[truth, given]
    counts = np.bincount(level, minlength=len(LEVELS))
    within = np.cumsum(counts)
    sides = (named.truth, named.given, named.false, named.missed)
    return {
        "matched": len(level),
        "levels": dict(zip(LEVELS, counts.tolist(), strict=True)),
        "accuracy": {rank: _ratio(int(within[i]), len(level)) for i, rank in enumerate(LEVELS[:5])},
        "mistake_severity": _ratio(int(level.sum()), int((level > 0).sum())),
        "hierarchical_distance": _ratio(int(level.sum()), len(level)),
        **_hierarchical(
            int(taxa.shared[truth, given].sum()),
            int(taxa.sizes[given].sum() + taxa.sizes[false].sum()),
            int(taxa.sizes[truth].sum() + taxa.sizes[missed].sum()),
        ),
        "unknown_species": [classes[k] for k in np.flatnonzero(~taxa.known)],
        "left_out": sum(map(len, sides)) - 2 * len(level) - len(false) - len(missed),
    }


def _hierarchical(shared: int, given: int, truth: int) -> dict[str, float | None]:
    return {
        "hP": _ratio(shared, given),
        "hR": _ratio(shared, truth),
        "hF": _ratio(2 * shared, given + truth),
    }


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
