"""From similarities to probabilities, and how sure is sure enough: fitted on validation data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from fishdet.errors import FishdetError

from .gallery import Fitted
from .records import LEVELS, SpeciesRecord

DEFAULT_TEMPERATURE = 1 / 16  # the scale that the network was trained with
_RANGE = (-6.0, 1.0)  # of log temperature


def probabilities(similarities: np.ndarray, temperature: float) -> np.ndarray:
    """Return (B, S): softmax of similarities (B, S) over ``temperature``; -inf gives 0."""
    logits = similarities.astype(np.float64) / temperature
    shifted = np.exp(logits - logits.max(1, keepdims=True))
    return shifted / shifted.sum(1, keepdims=True)


def fit_temperature(similarities: np.ndarray, truth: np.ndarray) -> float:
    """Return the temperature of the least mean negative log-probability of the truth (B,).

    Temperature scaling: Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural
    Networks" (ICML 2017, arXiv:1706.04599).
    """
    rows = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        chances = probabilities(similarities, float(np.exp(log_temperature)))[rows, truth]
        return float(-np.log(np.clip(chances, 1e-12, 1)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=_RANGE, method="bounded").x))


def fit(
    similarities: np.ndarray,
    truth: np.ndarray,
    own: Sequence[SpeciesRecord],
    species: Sequence[SpeciesRecord],
    false_claims: float = 0.05,
) -> Fitted:
    """Fit temperature and thresholds on validation crops.

    A claim at a level ('species', 'genus', 'family') needs a similarity such that, of fish whose
    species the gallery has not, at most ``false_claims`` get a wrong claim there. Where the crops
    hold such fish, these are used; else each crop in turn, with its own species taken out of the
    gallery. The latter were among the network's lessons, so that fish of truly new species may
    be claimed more often than stated: give crops of species that were never trained on.

    Args:
        similarities: (B, S) of validation crops with the gallery's species.
        truth: (B,) row of ``species``, -1 for a species that the gallery has not.
        own: the B crops' own records.
        species: the gallery's S records.
        false_claims: the rate.

    Raises:
        FishdetError: fewer than two species, or too few crops to fit on.
    """
    known = truth >= 0
    if len(species) < 2 or known.sum() < 10:
        raise FishdetError(
            f"calibration needs a gallery of at least 2 species and 10 validation crops of them; "
            f"there are {len(species)} species and {int(known.sum())} crops"
        )
    if not 0 < false_claims < 1:
        raise FishdetError(f"--false-claims {false_claims}: give a share between 0 and 1")
    temperature = fit_temperature(similarities[known], truth[known])
    strangers = similarities[~known].astype(np.float64)
    names = [record for record, one in zip(own, known, strict=True) if not one]
    how = "species that the gallery has not"
    if not names:
        strangers = similarities.astype(np.float64).copy()
        strangers[np.arange(len(truth)), truth] = -np.inf
        names, how = list(own), "each crop's own species taken out"
    thresholds = {
        level: _threshold(*_false(strangers, names, species, level, temperature), false_claims)
        for level in LEVELS
    }
    about: dict[str, Any] = {"crops": int(known.sum()), "strangers": len(names), "how": how}
    return Fitted(temperature, thresholds, false_claims, about)


def node_index(species: Sequence[SpeciesRecord], level: str) -> tuple[list[str], np.ndarray]:
    """Return the M ids of a level and (S,) the place of each species' own among them.

    A species of which no genus (or family) is known is alone in a nameless one of its own.
    """
    ids = [record.at(level)[0] or f"?{record.id}" for record in species]
    unique = list(dict.fromkeys(ids))
    return unique, np.array([unique.index(one) for one in ids], np.int64)


def level_sums(chances: np.ndarray, place: np.ndarray, count: int) -> np.ndarray:
    """Return (B, M): the probability of each node, the sum over its species of (B, S)."""
    member = np.zeros((len(place), count))
    member[np.arange(len(place)), place] = 1
    return chances @ member


def _false(
    strangers: np.ndarray,
    own: Sequence[SpeciesRecord],
    species: Sequence[SpeciesRecord],
    level: str,
    temperature: float,
) -> tuple[np.ndarray, int]:
    """Return the top similarity of the strangers that would be claimed wrongly, and of how many."""
    ids, place = node_index(species, level)
    sums = level_sums(probabilities(strangers, temperature), place, len(ids))
    claimed = [ids[node] for node in sums.argmax(1)]
    wrong = [
        level == LEVELS[0] or one != record.at(level)[0]
        for one, record in zip(claimed, own, strict=True)
    ]
    return strangers.max(1)[np.array(wrong, bool)], len(own)


def _threshold(wrong: np.ndarray, total: int, rate: float) -> float:
    """Return the least threshold at which at most ``rate`` of ``total`` are wrongly claimed."""
    allowed = int(np.floor(rate * total + 1e-9))
    if len(wrong) <= allowed:
        return -1.0
    above = np.sort(wrong)[::-1][allowed]
    return float(np.nextafter(np.float32(above), np.float32(2)))  # similarities are float32
