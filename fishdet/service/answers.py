"""What is said of a picture: boxes, species, and how sure.

The words follow chances, not the order of scores. With p the calibrated chance of the best species
(its score, where the model is not calibrated) and q the sum of the scores of the three best:

- ``probably``: p reaches 0.7, and the score the threshold that calibration chose for the species;
- ``one_of``: else, if q reaches 0.5: the (up to) three best species with at least 0.05 each;
- ``unknown``: else: a fish that the model cannot name.

A model forces what it never saw into its own classes, often with a high score, so ``unknown`` says
that it hesitates, not that it knows a stranger.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, Field

from fish_dataset.catalogue import find
from fishdet.identification.answers import Answer
from fishdet.inference.boxes import Boxes

from .model import Model
from .naming import NamedBoxes

PROBABLY, ONE_OF, LEAST, CANDIDATES = 0.7, 0.5, 0.05, 3
Verdict = Literal["probably", "one_of", "unknown"]


class ClassName(BaseModel):
    """A species that the model knows, and what it is called."""

    class_name: str = Field(description="as the model was trained")
    species_id: str = Field(description="for /v1/species/{id}; empty: not in the catalogue")
    scientific_name: str
    name_ko: str
    name_en: str


class Candidate(ClassName):
    """A species that a fish may be."""

    score: float = Field(ge=0, le=1, description="the network's score of this class for the box")


class GalleryCandidate(BaseModel):
    """A species of the gallery that a fish may be."""

    id: str = Field(description="for /v1/species/{id}, unless it begins with own-")
    name_en: str
    name_ko: str
    chance: float = Field(ge=0, le=1)


class Identified(BaseModel):
    """What the gallery says of a fish; see docs/identification.md."""

    rank: Literal["species", "genus", "family", "fish"] = Field(description="what is claimed")
    id: str
    name_en: str
    name_ko: str
    chance: float = Field(ge=0, le=1, description="of the claim; 1 for fish")
    known: bool = Field(description="whether it passes for a species of the gallery")
    candidates: list[GalleryCandidate] = Field(description="the likeliest first")


class Detection(BaseModel):
    """A fish."""

    bbox: tuple[float, float, float, float] = Field(
        description="x, y, width, height in pixels of the upright picture"
    )
    verdict: Verdict
    chance: float = Field(ge=0, le=1, description="that the box holds the first species")
    species: list[Candidate] = Field(description="best first")
    identified: Identified | None = Field(None, description="where the service has a gallery")


class ImageAnswer(BaseModel):
    """The fish on one picture, the surest first."""

    width: int
    height: int
    detections: list[Detection]


class DetectionsAnswer(BaseModel):
    """One entry a picture, in the order in which they were sent."""

    model: str = Field(description="SHA-256 of the model's file")
    calibrated: bool = Field(description="whether chances are calibrated; if not, they are scores")
    images: list[ImageAnswer]


def image_answer(model: Model, boxes: Boxes, size: tuple[int, int]) -> ImageAnswer:
    """Return the answer for a picture of ``size`` (width, height)."""
    chances = boxes.scores if model.calibration is None else model.calibration(boxes.scores)
    found = [_detection(model, boxes, row, float(chances[row])) for row in range(len(boxes))]
    return ImageAnswer(width=size[0], height=size[1], detections=found)


def verdict_of(chance: float, scores: np.ndarray, sure_from: float = 0.0) -> tuple[Verdict, int]:
    """Return the verdict and how many species to name.

    Args:
        chance: of the best species.
        scores: of the species, best first (up to three).
        sure_from: the calibrated threshold of the best species.
    """
    if chance >= PROBABLY and scores[0] >= sure_from:
        return "probably", 1
    if float(scores.sum()) >= ONE_OF:
        return "one_of", max(1, int((scores >= LEAST).sum()))
    return "unknown", len(scores)


def _detection(model: Model, boxes: Boxes, row: int, chance: float) -> Detection:
    labels, scores = _best(boxes, row)
    verdict, count = verdict_of(chance, scores, float(model.sure_from[labels[0]]))
    x1, y1, x2, y2 = (round(float(value), 2) for value in boxes.xyxy[row])
    pairs = zip(labels, scores, strict=True)
    # The runner-ups of a sure fish stay in the answer; ``verdict`` says how many to name.
    named = [_candidate(model, int(label), float(score)) for label, score in pairs]
    keep = named if verdict == "probably" else named[:count]
    box = (x1, y1, round(x2 - x1, 2), round(y2 - y1, 2))
    said = identified(boxes.said[row]) if isinstance(boxes, NamedBoxes) else None
    chance = round(chance, 4)
    return Detection(bbox=box, verdict=verdict, chance=chance, species=keep, identified=said)


def identified(one: Answer) -> Identified:
    """Return the gallery's answer as the API gives it."""
    return Identified(
        rank=one.rank,  # type: ignore[arg-type]
        id=one.id,
        name_en=one.name,
        name_ko=one.name_ko,
        chance=round(min(one.probability, 1.0), 4),
        known=one.known,
        candidates=[_gallery_candidate(*candidate) for candidate in one.candidates],
    )


def _gallery_candidate(key: str, name: str, chance: float) -> GalleryCandidate:
    known = find(key)
    korean = known.names.get("ko", ()) if known else ()
    named = korean[0] if korean else ""
    return GalleryCandidate(id=key, name_en=name, name_ko=named, chance=round(min(chance, 1.0), 4))


def _best(boxes: Boxes, row: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores of up to three species, the box's own first."""
    own, scores = int(boxes.labels[row]), boxes.class_scores[row]
    others = [int(label) for label in np.argsort(-scores, kind="stable") if label != own]
    others = [label for label in others if np.isfinite(scores[label])][: CANDIDATES - 1]
    best = [boxes.scores[row], *(scores[label] for label in others)]
    return np.array([own, *others]), np.array(best, np.float32)


def class_name(model: Model, label: int) -> ClassName:
    """Return what the class of a label is called."""
    return ClassName.model_validate(model.called[label])


def _candidate(model: Model, label: int, score: float) -> Candidate:
    return Candidate.model_validate(model.called[label] | {"score": round(score, 4)})
