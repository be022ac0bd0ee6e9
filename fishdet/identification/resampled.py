"""Numbers with their 95 % intervals: groups of crops are drawn again, whole."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

RESAMPLES = 1000
Statistic = Callable[[np.ndarray], float]


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


def mean_of(values: np.ndarray, weights: np.ndarray) -> float:
    """Return the weighted mean, NaN without weights."""
    total = weights.sum()
    return float((values * weights).sum() / total) if total else float("nan")
