"""What is said of a fish: the narrowest rank that is sure enough, or that it is not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .calibration import DEFAULT_TEMPERATURE, level_sums, node_index, probabilities
from .gallery import Gallery
from .records import LEVELS

FISH = "fish"
TOP = 5


@dataclass(frozen=True)
class Answer:
    """What is claimed of one fish, and what it may be.

    Attributes:
        rank: 'species', 'genus', 'family', or 'fish' where nothing narrower is sure enough.
        id, name, name_ko: of the claimed entry; 'fish' for the last.
        probability: of the claim; 1 for 'fish'.
        known: whether it passes for a species of the gallery at all.
        similarity: cosine with the photos of the nearest species together, -1 to 1.
        candidates: (species id, name, probability), the likeliest first, five at most.
    """

    rank: str
    id: str
    name: str
    name_ko: str
    probability: float
    known: bool
    similarity: float
    candidates: tuple[tuple[str, str, float], ...]


def answer(gallery: Gallery, embeddings: np.ndarray, confidence: float = 0.8) -> list[Answer]:
    """Say what each embedding (B, D) shows.

    Of each rank the likeliest entry counts, its probability being the sum over its species; the
    narrowest rank is claimed whose probability reaches ``confidence`` and whose similarity reaches
    the threshold fitted for claims of that rank. Without a fit there are no thresholds, and
    probabilities are not calibrated.

    Raises:
        FishdetError: an empty gallery, or embeddings of another size.
    """
    if len(embeddings) == 0:
        return []
    similarities = gallery.similarities(embeddings)
    fitted = gallery.fitted
    chances = probabilities(similarities, fitted.temperature if fitted else DEFAULT_TEMPERATURE)
    thresholds = fitted.thresholds if fitted else {}
    top = similarities.max(1)
    claims: list[tuple[str, str, str, str, float] | None] = [None] * len(top)
    for level in LEVELS:
        ids, place = node_index(gallery.species, level)
        sums = level_sums(chances, place, len(ids))
        least = thresholds.get(level, -1.0)
        for row, node in enumerate(sums.argmax(1).tolist()):
            sure = sums[row, node] >= confidence and top[row] >= least
            if claims[row] is None and sure and not ids[node].startswith("?"):
                name, korean = _names(gallery, level, ids[node])
                claims[row] = (level, ids[node], name, korean, float(sums[row, node]))
    known = top >= thresholds.get(LEVELS[0], -1.0)
    return [
        Answer(
            *(claim or (FISH, FISH, FISH, "물고기", 1.0)),
            known=bool(known[row]),
            similarity=float(top[row]),
            candidates=_candidates(gallery, chances[row]),
        )
        for row, claim in enumerate(claims)
    ]


def pool(embeddings: np.ndarray, members: Sequence[Sequence[int]]) -> np.ndarray:
    """Return one embedding (G, D) of length 1 for each group of rows of one fish: their mean.

    Photos of one fish, or the crops of a track: what they agree on stays, what blurs one does not.
    """
    pooled = np.stack([embeddings[list(rows)].mean(0) for rows in members])
    return pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-9)


def _names(gallery: Gallery, level: str, key: str) -> tuple[str, str]:
    for record in gallery.species:
        if level == LEVELS[0] and record.id == key:
            return record.name, record.name_ko
        for group in record.groups:
            if level == group.rank and group.id == key:
                return group.name, group.name_ko
    return key, ""


def _candidates(gallery: Gallery, chances: np.ndarray) -> tuple[tuple[str, str, float], ...]:
    order = np.argsort(-chances, kind="stable")[:TOP]
    return tuple(
        (gallery.species[place].id, gallery.species[place].name, float(chances[place]))
        for place in order
    )
