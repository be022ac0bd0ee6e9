"""How well a network and a gallery name fish: closed set, open set, few photos, doubt.

Fitted numbers are never tested on what they were fitted on: validation crops are halved by video
(or site, or picture), and each half is scored with what was fitted on the other.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fish_dataset.annotations import Annotations
from fishdet.errors import FishdetError
from fishdet.evaluation.identification import auroc, false_claims_at, hits
from fishdet.evaluation.intervals.resampling import sampling_groups

from .answers import Answer, answer
from .calibration import (
    DEFAULT_TEMPERATURE,
    Strangers,
    fit,
    probabilities,
    strangers_among,
    without_own,
)
from .closed import claims, closed_set
from .embedder import Embedder
from .enrolment import embed_boxes, usable_boxes
from .gallery import Gallery, Photo
from .records import LEVELS, SpeciesRecord, record_of
from .resampled import interval, mean_of


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
    halves = _cross_fitted(gallery, similarities, truth, val, rate, seed, strangers)
    least, chances = halves.least, halves.chances[known]
    report = {
        "crops": int(known.sum()),
        "species": len(gallery.species),
        **closed_set(gallery, truth[known], val.groups[known], raw[known], chances, seed),
        "claims": claims(*_of(halves.said, own, known)),
    }
    if (~known).any():
        report["open"] = {
            "unknown_crops": int((~known).sum()),
            "rate": rate,
            "thresholds_from": halves.about,
            "claims": claims(*_of(halves.said, own, ~known)),
            "auroc": interval(val.groups, lambda w: auroc(*_drawn(top, known, w)), seed),
            "false_claims_at_95_recall": interval(
                val.groups, lambda w: false_claims_at(*_drawn(top, known, w)), seed
            ),
            "false_claims_at_fitted": interval(
                val.groups, lambda w: mean_of((top >= least)[~known], w[~known]), seed
            ),
            "known_kept_at_fitted": interval(
                val.groups, lambda w: mean_of((top >= least)[known], w[known]), seed
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
        key: interval(val.groups, lambda w, values=values: mean_of(values, w), seed)  # type: ignore[misc]
        for key, values in right.items()
    }
    species = len(np.unique(val.labels))
    return {"species": species, "shots": shots, "draws": draws, "crops": len(val.labels), **scores}


@dataclass(frozen=True, eq=False)
class _Halves:
    """What each half of n crops gets from a fit on the known of the other half.

    Attributes:
        chances: (n, S) probabilities.
        least: (n,) similarity that a claim of a species needs.
        said: n answers.
        about: what thresholds were fitted on.
    """

    chances: np.ndarray
    least: np.ndarray
    said: list[Answer]
    about: dict[str, Any]


def _cross_fitted(
    gallery: Gallery,
    similarities: np.ndarray,
    truth: np.ndarray,
    val: Crops,
    rate: float,
    seed: int,
    strangers: Strangers | None,
) -> _Halves:
    unique, index = np.unique(val.groups, return_inverse=True)
    half = np.random.default_rng(seed).permutation(len(unique))[index] % 2
    chances, least = np.zeros(similarities.shape), np.zeros(len(truth))
    said: dict[int, Answer] = {}
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
        mine = np.flatnonzero(half == side)
        answers = answer(gallery.calibrated(found), val.points[mine])
        said |= dict(zip(mine.tolist(), answers, strict=True))
    return _Halves(chances, least, [said[row] for row in range(len(truth))], about)


def _of(
    said: Sequence[Answer], own: Sequence[SpeciesRecord], mask: np.ndarray
) -> tuple[list[Answer], list[SpeciesRecord]]:
    rows = np.flatnonzero(mask).tolist()
    return [said[row] for row in rows], [own[row] for row in rows]


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
