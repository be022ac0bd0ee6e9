"""How well fish of known species are named, and how far their names can be believed."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from fishdet.evaluation.extras.lineage import taxa_of
from fishdet.evaluation.extras.taxonomy import Named, taxonomic_scores
from fishdet.evaluation.identification import expected_calibration_error, hits, risk_coverage

from .answers import FISH, Answer
from .gallery import Gallery
from .records import LEVELS, SpeciesRecord
from .resampled import Statistic, interval, mean_of

SHARES = (0.5, 0.7, 0.8, 0.9, 1.0)


def closed_set(
    gallery: Gallery,
    truth: np.ndarray,
    groups: np.ndarray,
    raw: np.ndarray,
    fitted: np.ndarray,
    seed: int = 0,
) -> dict[str, Any]:
    """Score names of fish whose species the gallery has; numbers with 95 % intervals.

    Args:
        gallery: S species.
        truth: (n,) row of the species of each fish.
        groups: (n,) sampling group of each.
        raw, fitted: (n, S) probabilities before and after calibration.
        seed: of the resamples.
    """
    first, fifth = hits(raw, truth, 1), hits(raw, truth, 5)
    before, sure = raw.max(1), fitted.max(1)
    curve = risk_coverage(sure, first)
    wrong = first < 0.5
    said = raw.argmax(1)

    def told(statistic: Statistic) -> dict[str, float]:
        return interval(groups, statistic, seed)

    def right_at(share: float, weights: np.ndarray) -> float:
        drawn = np.repeat(np.arange(len(first)), weights)
        return risk_coverage(sure[drawn], first[drawn]).accuracy_at(share)

    def ece(confidence: np.ndarray, weights: np.ndarray) -> float:
        drawn = np.repeat(np.arange(len(first)), weights)
        return expected_calibration_error(confidence[drawn], first[drawn])

    def area(weights: np.ndarray) -> float:
        drawn = np.repeat(np.arange(len(first)), weights)
        return risk_coverage(sure[drawn], first[drawn]).area

    return {
        "top1": told(partial(mean_of, first)),
        "top5": told(partial(mean_of, fifth)),
        "macro_top1": told(partial(_macro, first, truth)),
        "macro_top5": told(partial(_macro, fifth, truth)),
        "ece_before": told(partial(ece, before)),
        "ece_after": told(partial(ece, sure)),
        "nll_before": _nll(raw, truth),
        "nll_after": _nll(fitted, truth),
        "aurc": told(area),
        "accuracy_at_coverage": {f"{share:.0%}": told(partial(right_at, share))
                                 for share in SHARES},
        "curve": {"coverage": curve.coverage.tolist(), "risk": curve.risk.tolist()},
        "taxonomy": distances(gallery, said, truth, groups, seed),
        "errors_within": {
            level: _same(gallery.species, said[wrong], truth[wrong], level) for level in LEVELS[1:]
        },
        "by_species": [
            {"name": record.name, "crops": int((truth == place).sum()),
             "top1": float(first[truth == place].mean()) if (truth == place).any() else None}
            for place, record in enumerate(gallery.species)
        ],
    }  # fmt: skip


def distances(
    gallery: Gallery, said: np.ndarray, truth: np.ndarray, groups: np.ndarray, seed: int = 0
) -> dict[str, Any]:
    """Return how far in the tree of life wrong names are; see ``evaluation.extras.taxonomy``.

    ``mistake_severity`` and ``hierarchical_distance`` have intervals here. Fish of species that
    the catalogue has not are left out; ``left_out`` counts them.

    Args:
        said, truth: (n,) rows of the gallery's species.
        groups: (n,) sampling group of each.
    """
    classes = [record.id for record in gallery.species]
    none = np.zeros(0, np.int64)
    scores = taxonomic_scores(classes, Named(truth, said, none, none))
    taxa = taxa_of(classes)
    kept = taxa.known[truth] & taxa.known[said]
    level = taxa.levels[truth, said][kept]
    scores["left_out"] = int((~kept).sum())
    if not kept.any():
        return scores
    wrong = level > 0
    scores["hierarchical_distance"] = interval(groups[kept], partial(mean_of, level), seed)
    if wrong.any():
        scores["mistake_severity"] = interval(
            groups[kept], lambda w: mean_of(level[wrong], w[wrong]), seed
        )
    return scores


def claims(said: list[Answer], own: list[SpeciesRecord]) -> dict[str, dict[str, float | int]]:
    """Return for each rank how many fish were given an answer of it, and the share that is right.

    An answer of a genus or family is right where the fish belongs to it; "fish" always is.

    Args:
        said: answers.
        own: the truth of each, also of species that no gallery has.
    """
    found: dict[str, dict[str, float | int]] = {}
    for rank in (*LEVELS, FISH):
        right = [
            rank == FISH or record.at(rank)[0] == one.id
            for one, record in zip(said, own, strict=True)
            if one.rank == rank
        ]
        found[rank] = {"fish": len(right), "right": float(np.mean(right)) if right else 0.0}
    return found


def _macro(values: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
    sums, totals = np.bincount(labels, values * weights), np.bincount(labels, weights)
    return float((sums[totals > 0] / totals[totals > 0]).mean())


def _nll(chances: np.ndarray, truth: np.ndarray) -> float:
    return float(-np.log(np.clip(chances[np.arange(len(truth)), truth], 1e-12, 1)).mean())


def _same(
    species: tuple[SpeciesRecord, ...], said: np.ndarray, truth: np.ndarray, level: str
) -> float | None:
    """Return the share of wrong names that are right at a wider level; None without errors."""
    pairs = [(species[one].at(level)[0], species[other].at(level)[0])
             for one, other in zip(said.tolist(), truth.tolist(), strict=True)]  # fmt: skip
    return float(np.mean([bool(a) and a == b for a, b in pairs])) if pairs else None
