"""From similarities to probabilities, and how sure is sure enough: fitted on validation data."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, eq=False)
class Strangers:
    """Crops that no claim of a species is right for, to fit thresholds on.

    Attributes:
        similarities: (n, S) with the gallery's species, -inf with their own.
        own: their n records.
        taught: whether the network was taught their species.
        how: what they are, in words.
    """

    similarities: np.ndarray
    own: tuple[SpeciesRecord, ...]
    taught: bool
    how: str

    def without(self, ids: Container[str]) -> Strangers | None:
        """Return those of other species than ``ids``; None without any."""
        keep = np.array([one.id not in ids for one in self.own], bool)
        if not keep.any():
            return None
        own = tuple(one for one, mine in zip(self.own, keep, strict=True) if mine)
        return replace(self, similarities=self.similarities[keep], own=own)


def strangers_among(
    similarities: np.ndarray, truth: np.ndarray, own: Sequence[SpeciesRecord]
) -> Strangers:
    """Return the crops whose species the gallery has not; without any, all, their own taken out.

    The latter were among the network's lessons: it sets them further apart from all others than
    a species that it never saw, so that thresholds from them claim far more than their rate.

    Args:
        similarities: (B, S) of validation crops with the gallery's species.
        truth: (B,) row of the species, -1 for one that the gallery has not.
        own: the crops' records.
    """
    unknown = truth < 0
    if unknown.any():
        records = tuple(one for one, mine in zip(own, unknown, strict=True) if mine)
        return Strangers(similarities[unknown], records, False, "species that the gallery has not")
    return Strangers(
        without_own(similarities, truth), tuple(own), True, "each crop's own species taken out"
    )


def without_own(similarities: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return similarities (B, S), float64, with -inf for each crop's own species (B,), -1: none."""
    found = similarities.astype(np.float64)
    rows = np.flatnonzero(truth >= 0)
    found[rows, truth[rows]] = -np.inf
    return found


def fit(
    similarities: np.ndarray,
    truth: np.ndarray,
    species: Sequence[SpeciesRecord],
    strangers: Strangers,
    false_claims: float = 0.05,
) -> Fitted:
    """Fit temperature and thresholds.

    A claim at a level ('species', 'genus', 'family') needs a similarity such that strangers get a
    wrong claim there at most at the rate of ``false_claims``. Fish of one species are alike, so
    that a new species may be claimed for far more or less than the mean: each of the K species
    weighs the same, however many crops it has, and one more counts as wholly claimed. So the rate
    holds, as a mean over species like these, from K + 1 = 1 / rate species on: Lee, Barber and
    Willett, "Distribution-free inference with hierarchical data" (arXiv:2306.06342), whose
    hierarchical conformal prediction this is. With fewer species there is no such promise, and
    the plain mean over them is kept at the rate.

    Args:
        similarities: (B, S) of validation crops with the gallery's species.
        truth: (B,) row of ``species``, -1 for a species that the gallery has not.
        species: the gallery's S records.
        strangers: other crops, or the same; see ``strangers_among``.
        false_claims: the rate.

    Returns:
        ``on`` says ``crops``, ``strangers`` (crops), ``stranger_species`` (K), ``how``,
        ``promised``, and ``left_out``: the rate of species claims where each stranger species in
        turn is left out of the fit and tested, ``mean`` and ``worst`` (None below 3 species).

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
    _, owner = np.unique([one.id for one in strangers.own], return_inverse=True)
    wrong = {level: _wrong(strangers, species, level, temperature) for level in LEVELS}
    thresholds = {level: threshold(one, owner, false_claims) for level, one in wrong.items()}
    count = int(owner.max()) + 1
    about: dict[str, Any] = {
        "crops": int(known.sum()),
        "strangers": len(owner),
        "stranger_species": count,
        "how": strangers.how,
        "promised": not strangers.taught and (count + 1) * false_claims >= 1,
        "left_out": _left_out(wrong[LEVELS[0]], owner, false_claims),
    }
    return Fitted(temperature, thresholds, false_claims, about)


def threshold(scores: np.ndarray, owner: np.ndarray, rate: float) -> float:
    """Return the least threshold at which strangers are wrongly claimed at ``rate``; see ``fit``.

    Args:
        scores: (n,) similarity at which a stranger would be claimed wrongly, -inf for never.
        owner: (n,) its species, 0 … K - 1.
        rate: of wrong claims.
    """
    sizes = np.bincount(owner)
    spare = rate * (len(sizes) + 1) - 1
    if spare < 0:  # too few species for the promise
        spare = rate * len(sizes)
    order = np.argsort(-scores, kind="stable")
    claimed = np.cumsum(1 / sizes[owner[order]])
    above = int(np.searchsorted(claimed, spare + 1e-9, side="right"))
    if above == len(scores) or np.isneginf(scores[order[above]]):
        return -1.0
    return float(np.nextafter(np.float32(scores[order[above]]), np.float32(2)))  # of float32 each


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


def _wrong(
    strangers: Strangers, species: Sequence[SpeciesRecord], level: str, temperature: float
) -> np.ndarray:
    """Return (n,): at which similarity each stranger is claimed wrongly, -inf for never."""
    ids, place = node_index(species, level)
    similarities = strangers.similarities.astype(np.float64)
    sums = level_sums(probabilities(similarities, temperature), place, len(ids))
    claimed = [ids[node] for node in sums.argmax(1)]
    wrong = [
        level == LEVELS[0] or one != record.at(level)[0]
        for one, record in zip(claimed, strangers.own, strict=True)
    ]
    return np.where(wrong, similarities.max(1), -np.inf)


def _left_out(scores: np.ndarray, owner: np.ndarray, rate: float) -> dict[str, float] | None:
    count = int(owner.max()) + 1
    if count < 3:
        return None
    rates = []
    for one in range(count):
        rest = owner != one
        least = threshold(scores[rest], np.unique(owner[rest], return_inverse=True)[1], rate)
        rates.append(float((scores[~rest] >= least).mean()))
    return {"mean": float(np.mean(rates)), "worst": float(np.max(rates))}
