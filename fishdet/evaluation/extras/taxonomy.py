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

from ..candidates import assign, pairs_of, preferring, taking
from ..detections import Detections
from ..ignored import without_ignored
from ..ordering import best_of_groups
from .lineage import LEVELS, taxa_of

_IOU = 0.5


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
    return name_left(annotations, without_ignored(annotations, detections), thresholds, max_dets)


def name_left(
    annotations: Annotations, left: Detections, thresholds: Sequence[float | None], max_dets: int
) -> Named:
    """As :func:`name_boxes`, for detections that ``without_ignored`` left."""
    limits = np.array([np.inf if t is None else t for t in thresholds])
    kept = np.flatnonzero(left.scores >= limits[left.labels])
    if np.bincount(left.image_row[kept]).max(initial=0) > max_dets:
        kept = kept[best_of_groups(left.image_row[kept], left.scores[kept], max_dets)[0]]
    best = taking(left, kept)
    blind = replace(best, labels=np.zeros(len(best), np.int64))
    one = replace(annotations, classes=("any",), labels=np.zeros(annotations.num_boxes, np.int32))
    region = annotations.crowd | annotations.ignore
    pairs = preferring(pairs_of(one, blind, region, _IOU), ~region)
    pair = assign(pairs, _turns(best, pairs.found), region, np.array([_IOU]))[:, 0]
    found = np.flatnonzero(pair >= 0)
    box = pairs.box[pair[found]]
    counted = ~region[box]
    taken = box[counted]
    missed = ~region
    missed[taken] = False
    return Named(
        annotations.labels[taken].astype(np.int64),
        best.labels[found[counted]],
        best.labels[pair < 0],
        annotations.labels[missed].astype(np.int64),
    )


def _turns(detections: Detections, found: np.ndarray) -> np.ndarray:
    """(K,) in which turn a detection may take a box: by its score among those of its image that
    stand in ``found``, rows in ascending order; 0 for all others."""
    rows = found[np.flatnonzero(np.diff(found, prepend=-1))]
    order, place = best_of_groups(detections.image_row[rows], detections.scores[rows], len(rows))
    turns = np.zeros(len(detections), np.int64)
    turns[rows[order]] = place
    return turns


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
