"""How well a network and a gallery name fish: closed set, open set, few photos, doubt.

Fitted numbers are never tested on what they were fitted on: validation crops are halved by video
(or site, or picture), and each half is scored with what was fitted on the other.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fish_dataset.annotations import Annotations
from fishdet.errors import FishdetError
from fishdet.evaluation.identification import (
    auroc,
    expected_calibration_error,
    false_claims_at,
    hits,
    risk_coverage,
)
from fishdet.evaluation.intervals.resampling import sampling_groups

from .calibration import (
    DEFAULT_TEMPERATURE,
    Strangers,
    fit,
    probabilities,
    strangers_among,
    without_own,
)
from .embedder import Embedder
from .enrolment import embed_boxes, usable_boxes
from .gallery import Gallery, Photo
from .records import LEVELS, SpeciesRecord, record_of

RESAMPLES = 1000
Statistic = Callable[[np.ndarray], float]


@dataclass(frozen=True, eq=False)
class Crops:
    """Embedded crops: points (n, D), labels (n,) into ``records``, sampling groups (n,)."""

    points: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    records: tuple[SpeciesRecord, ...]

    def where(self, mask: np.ndarray) -> Crops:
        """Return the crops of a mask (n,)."""
        return Crops(self.points[mask], self.labels[mask], self.groups[mask], self.records)


def embed(
    embedder: Embedder,
    data: Annotations,
    image_dir: Path,
    smallest: int,
    most: int | None = None,
    names: Sequence[str] | None = None,
) -> Crops:
    """Embed the labelled fish of a split.

    Args:
        smallest: shortest length of a fish in pixels.
        most: fish a species, spread over the file; None for all.
        names: classes to embed; None for all.
    """
    records = tuple(record_of(name, own=True) for name in data.classes)
    rows = usable_boxes(data, smallest)
    if names is not None:
        wanted = [label for label, name in enumerate(data.classes) if name in names]
        rows = rows[np.isin(data.labels[rows], wanted)]
    if most is not None:
        kept = []
        for label in np.unique(data.labels[rows]):
            mine = rows[data.labels[rows] == label]
            kept.append(mine[np.linspace(0, len(mine) - 1, min(most, len(mine))).astype(int)])
        rows = np.sort(np.concatenate(kept)) if kept else rows
    points, _ = embed_boxes(embedder, data, image_dir, rows)
    groups = sampling_groups(data).index[data.box_image[rows]]
    return Crops(points, data.labels[rows], groups, records)


def gallery_of(network: str, crops: Crops) -> Gallery:
    """Return the gallery of all crops, sources left out."""
    gallery = Gallery(network, embeddings=crops.points[:0])
    for label in np.unique(crops.labels).tolist():
        mine = np.flatnonzero(crops.labels == label)
        photos = [Photo("", str(row)) for row in mine]
        gallery = gallery.add(crops.records[label], crops.points[mine], photos)
    return gallery


def never_taught(gallery: Gallery, crops: Crops, taught: Container[str]) -> Strangers | None:
    """Return the crops of species that the network was not taught, or None without any.

    Such a species may be in the gallery: it is taken out for its own crops.

    Args:
        gallery: of the known species.
        crops: to choose from.
        taught: ids of the species that the network was trained on.
    """
    ids = [crops.records[label].id for label in crops.labels.tolist()]
    new = np.array([key not in taught for key in ids], bool)
    if not new.any():
        return None
    mine = crops.where(new)
    own = tuple(mine.records[label] for label in mine.labels.tolist())
    similarities = without_own(gallery.similarities(mine.points), rows_of(gallery, own))
    return Strangers(similarities, own, False, "species that the network was not taught")


def rows_of(gallery: Gallery, own: Sequence[SpeciesRecord]) -> np.ndarray:
    """Return (n,) the row of each record's species in the gallery, -1 for one that it has not."""
    ids = {record.id: place for place, record in enumerate(gallery.species)}
    return np.array([ids.get(record.id, -1) for record in own], np.int64)


def closed_and_open(
    gallery: Gallery,
    val: Crops,
    rate: float = 0.05,
    seed: int = 0,
    strangers: Strangers | None = None,
) -> dict[str, Any]:
    """Score naming of known species and doubt about others, each with a 95 % interval.

    Args:
        gallery: of the known species.
        val: validation crops of these and of others.
        rate: of false claims that thresholds are fitted for.
        strangers: other fish to fit thresholds on; None takes each known fish without its species.
    """
    own = [val.records[label] for label in val.labels.tolist()]
    truth = rows_of(gallery, own)
    known = truth >= 0
    if not known.any():
        raise FishdetError("the validation crops show no species of the gallery")
    similarities = gallery.similarities(val.points)
    top = similarities.max(1)
    raw = probabilities(similarities, DEFAULT_TEMPERATURE)
    fitted, least, about = _cross_fitted(gallery, similarities, truth, val, rate, seed, strangers)
    report = {
        "crops": int(known.sum()),
        "species": len(gallery.species),
        **_closed(gallery, val, truth, known, raw, fitted, seed),
    }
    if (~known).any():
        report["open"] = {
            "unknown_crops": int((~known).sum()),
            "rate": rate,
            "thresholds_from": about,
            "auroc": interval(val.groups, lambda w: auroc(*_drawn(top, known, w)), seed),
            "false_claims_at_95_recall": interval(
                val.groups, lambda w: false_claims_at(*_drawn(top, known, w)), seed
            ),
            "false_claims_at_fitted": interval(
                val.groups, lambda w: _mean((top >= least)[~known], w[~known]), seed
            ),
            "known_kept_at_fitted": interval(
                val.groups, lambda w: _mean((top >= least)[known], w[known]), seed
            ),
        }
    return report


def few_photos(
    gallery: Gallery, train: Crops, val: Crops, shots: int = 5, draws: int = 20, seed: int = 0
) -> dict[str, Any]:
    """Score species that are enrolled from a few training photos, without training.

    Each draw takes ``shots`` crops a species by chance, each of another video (or picture) where
    there are enough. Top-1 is over all validation crops of the new species, as a mean over draws.

    Returns:
        ``top1`` among the new species alone, and ``top1_beside_known`` among new and known ones.

    Raises:
        FishdetError: a species with fewer training crops.
    """
    rng = np.random.default_rng(seed)
    right = {"top1": np.zeros(len(val.labels)), "top1_beside_known": np.zeros(len(val.labels))}
    for _ in range(draws):
        chosen = np.zeros(len(train.labels), bool)
        for label in np.unique(val.labels).tolist():
            chosen[_some(train, label, shots, rng)] = True
        new = gallery_of(gallery.network, train.where(chosen))
        for key, one in (("top1", new), ("top1_beside_known", gallery.merge(new))):
            ids = [record.id for record in one.species]
            place = np.array([ids.index(val.records[label].id) for label in val.labels.tolist()])
            right[key] += hits(one.similarities(val.points), place, 1) / draws
    scores = {
        key: interval(val.groups, lambda w, values=values: _mean(values, w), seed)  # type: ignore[misc]
        for key, values in right.items()
    }
    species = len(np.unique(val.labels))
    return {"species": species, "shots": shots, "draws": draws, "crops": len(val.labels), **scores}


def interval(groups: np.ndarray, statistic: Statistic, seed: int = 0) -> dict[str, float]:
    """Return ``value`` and the middle 95 % of 1,000 resamples of whole groups.

    Args:
        groups: (n,) group of each crop.
        statistic: of weights (n,), how often each crop counts.
    """
    unique, index = np.unique(groups, return_inverse=True)
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(unique), np.full(len(unique), 1 / len(unique)), RESAMPLES)
    draws = np.array([statistic(row[index]) for row in counts])
    low, high = np.nanquantile(draws, (0.025, 0.975))
    value = statistic(np.ones(len(groups), np.int64))
    return {"value": float(value), "low": float(low), "high": float(high)}


def _closed(
    gallery: Gallery,
    val: Crops,
    truth: np.ndarray,
    known: np.ndarray,
    raw: np.ndarray,
    fitted: np.ndarray,
    seed: int,
) -> dict[str, Any]:
    truth, groups, raw, fitted = truth[known], val.groups[known], raw[known], fitted[known]
    first, fifth = hits(raw, truth, 1), hits(raw, truth, 5)
    sure = fitted.max(1)
    curve = risk_coverage(sure, first)
    wrong = first < 0.5
    said = raw.argmax(1)
    return {
        "top1": interval(groups, lambda w: _mean(first, w), seed),
        "top5": interval(groups, lambda w: _mean(fifth, w), seed),
        "macro_top1": interval(groups, lambda w: _macro(first, truth, w), seed),
        "ece_before": expected_calibration_error(raw.max(1), first),
        "ece_after": expected_calibration_error(sure, first),
        "nll_before": _nll(raw, truth),
        "nll_after": _nll(fitted, truth),
        "aurc": curve.area,
        "accuracy_at_coverage": {f"{share:.0%}": curve.accuracy_at(share)
                                 for share in (0.5, 0.7, 0.8, 0.9, 1.0)},
        "curve": {"coverage": curve.coverage.tolist(), "risk": curve.risk.tolist()},
        "errors_within": {
            level: _same(gallery.species, said[wrong], truth[wrong], level) for level in LEVELS[1:]
        },
        "by_species": [
            {"name": record.name, "crops": int((truth == place).sum()),
             "top1": float(first[truth == place].mean()) if (truth == place).any() else None}
            for place, record in enumerate(gallery.species)
        ],
    }  # fmt: skip


def _cross_fitted(
    gallery: Gallery,
    similarities: np.ndarray,
    truth: np.ndarray,
    val: Crops,
    rate: float,
    seed: int,
    strangers: Strangers | None,
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Return probabilities (n, S) and species thresholds (n,) fitted on the other half's known.

    The third value says what the thresholds were fitted on.
    """
    unique, index = np.unique(val.groups, return_inverse=True)
    half = np.random.default_rng(seed).permutation(len(unique))[index] % 2
    chances, least = np.zeros(similarities.shape), np.zeros(len(truth))
    own = [val.records[label] for label in val.labels.tolist()]
    about: dict[str, Any] = {}
    for side in (0, 1):
        rows = np.flatnonzero((half != side) & (truth >= 0))
        others = strangers or strangers_among(
            similarities[rows], truth[rows], [own[row] for row in rows]
        )
        found = fit(similarities[rows], truth[rows], gallery.species, others, rate)
        about = found.on
        chances[half == side] = probabilities(similarities[half == side], found.temperature)
        least[half == side] = found.thresholds[LEVELS[0]]
    return chances, least, about


def _some(train: Crops, label: int, shots: int, rng: np.random.Generator) -> np.ndarray:
    mine = rng.permutation(np.flatnonzero(train.labels == label))
    if len(mine) < shots:
        raise FishdetError(
            f"{train.records[label].name}: {len(mine)} training crops, and {shots} are to be "
            "enrolled; lower --shots"
        )
    _, first = np.unique(train.groups[mine], return_index=True)
    apart = mine[np.sort(first)]
    rest = np.setdiff1d(mine, apart)
    return np.concatenate([apart, rng.permutation(rest)])[:shots]


def _drawn(
    scores: np.ndarray, known: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    return (np.repeat(scores[known], weights[known]), np.repeat(scores[~known], weights[~known]))


def _mean(values: np.ndarray, weights: np.ndarray) -> float:
    total = weights.sum()
    return float((values * weights).sum() / total) if total else float("nan")


def _macro(values: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
    sums, totals = np.bincount(labels, values * weights), np.bincount(labels, weights)
    return float((sums[totals > 0] / totals[totals > 0]).mean())


def _nll(chances: np.ndarray, truth: np.ndarray) -> float:
    return float(-np.log(np.clip(chances[np.arange(len(truth)), truth], 1e-12, 1)).mean())


def _same(
    species: Sequence[SpeciesRecord], said: np.ndarray, truth: np.ndarray, level: str
) -> float | None:
    """Return the share of wrong names that are right at a wider level; None without errors."""
    pairs = [(species[one].at(level)[0], species[other].at(level)[0])
             for one, other in zip(said.tolist(), truth.tolist(), strict=True)]  # fmt: skip
    return float(np.mean([bool(a) and a == b for a, b in pairs])) if pairs else None
