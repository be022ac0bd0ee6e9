"""A detector alone against the same detector with an identifier behind it, on the same pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import supervision as sv

from fishdet.errors import FishdetError
from fishdet.evaluation.compare import compare
from fishdet.evaluation.detections import Detections
from fishdet.evaluation.intervals import intervals
from fishdet.inference.options import ONE_FISH_IOU

from .calibration import DEFAULT_TEMPERATURE, probabilities
from .gallery import Gallery
from .records import SpeciesRecord

LEAST = 0.02  # chance of a species from which on it is put forward
ALONE, BOTH = "detector", "detector + identifier"
Columns = tuple[np.ndarray, np.ndarray, np.ndarray]


def as_found(found: sv.Detections) -> Columns:
    """Return boxes (n, 4), scores (n,) and labels (n,) as the detector gave them."""
    return found.xyxy, np.asarray(found.confidence), np.asarray(found.class_id)


def as_named(boxes: np.ndarray, scores: np.ndarray, chances: np.ndarray) -> Columns:
    """Return what the second stage makes of a picture's fish.

    A fish is put forward as each species that it may be, at its score times the chance.

    Args:
        boxes: (n, 4), each fish once.
        scores: (n,) that there is a fish.
        chances: (n, C) of the classes that are scored; 0 for one that the gallery has not.
    """
    fish, labels = np.nonzero(chances >= LEAST)
    return boxes[fish], scores[fish] * chances[fish, labels], labels


def class_chances(
    gallery: Gallery, points: np.ndarray, records: Sequence[SpeciesRecord]
) -> np.ndarray:
    """Return (n, C): the gallery's probabilities of embeddings (n, D), by the data's classes.

    Raises:
        FishdetError: the gallery has none of the classes.
    """
    ids = [record.id for record in gallery.species]
    places = [ids.index(record.id) if record.id in ids else -1 for record in records]
    if max(places, default=-1) < 0:
        raise FishdetError(
            f"the gallery has none of the data's species "
            f"({', '.join(record.id for record in records[:10])}); {gallery.listed()}"
        )
    temperature = gallery.fitted.temperature if gallery.fitted else DEFAULT_TEMPERATURE
    chances = probabilities(gallery.similarities(points), temperature)
    padded = np.concatenate([chances, np.zeros((len(chances), 1))], axis=1)
    return padded[:, places]


def once_each(found: sv.Detections) -> sv.Detections:
    """Return each fish once: of boxes that overlap by more than 0.7 the surest stays."""
    return found.with_nms(ONE_FISH_IOU, class_agnostic=True)


def score(annotations: Any, alone: Detections, both: Detections, seed: int = 0) -> dict[str, Any]:
    """Return AP of both over all and by species with 95 % intervals, and the paired difference."""
    report: dict[str, Any] = {}
    for name, detections in ((ALONE, alone), (BOTH, both)):
        detections.check(annotations.num_images, len(annotations.classes))
        report[name] = intervals(annotations, detections).as_dict()
    for statistic in ("bbox_mAP", "bbox_mAP_50"):
        made = compare(annotations, {ALONE: alone, BOTH: both}, statistic=statistic, seed=seed)
        pair = made.pairs[0]
        report[statistic] = {
            **made.scores,
            "difference": pair.difference,
            "low": pair.low,
            "high": pair.high,
            "p": pair.p,
            "groups": made.groups,
            "rule": made.rule,
            "trusted": made.trusted,
        }
    return report


def lines_of(report: dict[str, Any], classes: Sequence[str], species: dict[str, Any]) -> list[str]:
    """Return lines for the screen.

    Args:
        report: of ``score``.
        classes: names.
        species: AP of each class by way (``ALONE``, ``BOTH``).
    """
    lines = []
    for statistic, told in (("bbox_mAP", "AP"), ("bbox_mAP_50", "AP50")):
        one = report[statistic]
        lines.append(
            f"{told}: {ALONE} {one[ALONE]:.3f}, {BOTH} {one[BOTH]:.3f}, difference "
            f"{one['difference']:+.3f} [{one['low']:+.3f}, {one['high']:+.3f}], p {one['p']:.3f}"
        )
    for name in classes:
        parts = []
        for way in (ALONE, BOTH):
            low, high = report[way]["bootstrap"]["species"][name]["AP"]
            parts.append(f"{way} {species[way][name]:.3f} [{low:.3f}, {high:.3f}]")
        lines.append(f"  {name}: AP {', '.join(parts)}")
    one = report["bbox_mAP"]
    lines.append(f"  {one['groups']} groups by {one['rule']}")
    return lines
