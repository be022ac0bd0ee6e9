"""Confidence intervals from bootstrap draws.

Percentile, basic and BCa follow Efron & Tibshirani, An Introduction to the Bootstrap (1993),
chapters 13 and 14; a derivation of BCa stands at
https://jack-norrie.com/Understanding-Bootstrap-Confidence-Intervals (2026-11-25).

With few groups all of them are too narrow. Hesterberg (2015), What Teachers Should Know About the
Bootstrap, https://pmc.ncbi.nlm.nih.gov/articles/PMC4784504 (2026-11-25), widens them: in place of
a normal quantile that of Student's t with G - 1 degrees of freedom, times sqrt(G / (G - 1)). AP is
no mean, and of few groups the bootstrap's spread stays below the jackknife's, which errs on the
safe side (Efron & Stein 1981, https://doi.org/10.1214/aos/1176345462, 2026-11-25): draws are spread
about the estimate until it is that, too. What each step gains stands in docs/metrics.md;
``benchmarks/interval_coverage.py`` measures it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

Bounds = tuple[float, float]
_NOTHING: Bounds = (float("nan"), float("nan"))


def percentile(
    draws: np.ndarray, estimate: float, jackknife: np.ndarray, groups: int, level: float = 0.95
) -> Bounds:
    """The middle ``level`` of the draws."""
    return _quantiles(draws, ndtr(_normal_ends(level)))


def basic(
    draws: np.ndarray, estimate: float, jackknife: np.ndarray, groups: int, level: float = 0.95
) -> Bounds:
    """The percentile interval mirrored at the estimate."""
    low, high = percentile(draws, estimate, jackknife, groups, level)
    return 2 * estimate - high, 2 * estimate - low


def bca(
    draws: np.ndarray, estimate: float, jackknife: np.ndarray, groups: int, level: float = 0.95
) -> Bounds:
    """Bias-corrected and accelerated."""
    return _accelerated(draws, estimate, jackknife, _normal_ends(level))


def expanded_bca(
    draws: np.ndarray, estimate: float, jackknife: np.ndarray, groups: int, level: float = 0.95
) -> Bounds:
    """BCa with the wider quantiles of Student's t for few groups."""
    if groups < 2:
        return _NOTHING
    ends = stdtrit(groups - 1, np.array([1 - level, 1 + level]) / 2)
    return _accelerated(draws, estimate, jackknife, ends * np.sqrt(groups / (groups - 1)))


def widened_bca(
    draws: np.ndarray, estimate: float, jackknife: np.ndarray, groups: int, level: float = 0.95
) -> Bounds:
    """The expanded BCa of draws that spread as far as the jackknife says: what reports use.

    Args:
        draws: (B,) statistic of each resample; NaN where it is undefined, left out here.
        estimate: the statistic of the sample itself.
        jackknife: (J,) the statistic without one group or block of groups after the other.
        groups: G.
        level: 0.95 for a 95 % interval.

    Returns:
        Lower and upper end; NaN where fewer than two draws, or fewer than two groups, are defined.
    """
    if groups < 2:
        return _NOTHING
    return expanded_bca(
        _widened(draws, estimate, jackknife, groups), estimate, jackknife, groups, level
    )


def p_value(draws: np.ndarray, estimate: float, jackknife: np.ndarray, groups: int) -> float:
    """Two-sided p-value of "the statistic is 0": 1 minus the level whose interval ends at 0.

    It belongs to :func:`widened_bca` and is at least 2 / (B + 1): no number of draws proves more.
    NaN where the interval is.
    """
    draws = draws[~np.isnan(draws)]
    if groups < 2 or len(draws) < 2:
        return float("nan")
    if estimate == 0 and not draws.any():
        return 1.0  # two models of the same detections
    draws = _widened(draws, estimate, jackknife, groups)
    bias, acceleration = _corrections(draws, estimate, jackknife)
    reached = _place_of_zero(draws) - bias
    slope = 1 + acceleration * reached
    end = reached / slope - bias if slope > 0 else np.copysign(np.inf, reached)
    tail = stdtr(groups - 1, -abs(end) / np.sqrt(groups / (groups - 1)))
    return float(min(1.0, max(2 * tail, 2 / (len(draws) + 1))))


def _widened(draws: np.ndarray, estimate: float, jackknife: np.ndarray, groups: int) -> np.ndarray:
    """Draws about the estimate whose standard error is at least the jackknife's."""
    left_out, defined = jackknife[~np.isnan(jackknife)], draws[~np.isnan(draws)]
    if not left_out.size or not defined.size:
        return draws
    spread = float(defined.std()) * np.sqrt(groups / (groups - 1))
    if spread == 0:
        return draws
    error = float(np.sqrt(len(left_out) - 1) * left_out.std())
    return estimate + (draws - estimate) * max(1.0, error / spread)


def _place_of_zero(draws: np.ndarray) -> float:
    """Normal quantile at which 0 stands among the draws; by their spread where it is beyond all."""
    place, spread = float(ndtri(_share_below(draws, 0.0))), float(draws.std())
    if spread > 0 and (draws.min() > 0 or draws.max() < 0):
        beyond = -float(draws.mean()) / spread
        return beyond if abs(beyond) > abs(place) else place
    return place


def _normal_ends(level: float) -> np.ndarray:
    return ndtri(np.array([1 - level, 1 + level]) / 2)


def _accelerated(
    draws: np.ndarray, estimate: float, jackknife: np.ndarray, ends: np.ndarray
) -> Bounds:
    draws = draws[~np.isnan(draws)]
    if len(draws) < 2:
        return _NOTHING
    bias, acceleration = _corrections(draws, estimate, jackknife)
    moved = bias + ends
    slope = 1 - acceleration * moved
    with np.errstate(divide="ignore"):
        places = np.where(slope > 0, bias + moved / slope, np.copysign(np.inf, moved))
    return _quantiles(draws, ndtr(places))


def _corrections(draws: np.ndarray, estimate: float, jackknife: np.ndarray) -> tuple[float, float]:
    """Bias z0 and acceleration a."""
    kept = jackknife[~np.isnan(jackknife)]
    moved = kept.mean() - kept if kept.size else kept
    spread = float((moved**2).sum())
    acceleration = float((moved**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    return float(ndtri(_share_below(draws, estimate))), acceleration


def _share_below(draws: np.ndarray, value: float) -> float:
    """Share of the draws below ``value``, equal ones by half; never 0 or 1."""
    below = np.count_nonzero(draws < value) + 0.5 * np.count_nonzero(draws == value)
    return float(np.clip(below / len(draws), 1 / (len(draws) + 1), len(draws) / (len(draws) + 1)))


def _quantiles(draws: np.ndarray, shares: np.ndarray) -> Bounds:
    low, high = np.nanquantile(draws, np.clip(shares, 0.0, 1.0))
    return float(low), float(high)


METHODS: dict[str, Callable[[np.ndarray, float, np.ndarray, int], Bounds]] = {
    "percentile": percentile,
    "basic": basic,
    "bca": bca,
    "expanded_bca": expanded_bca,
    "widened_bca": widened_bca,
}
