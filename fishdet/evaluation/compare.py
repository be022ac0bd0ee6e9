"""Whether two models differ, on the same images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from fish_dataset.annotations import Annotations

from ..errors import FishdetError
from .detections import Detections
from .intervals.bounds import p_value, widened_bca
from .intervals.report import FEWEST_GROUPS
from .intervals.resampling import bootstrap_weights, jackknife_weights, sampling_groups
from .intervals.statistics import totals
from .matching import match

RESAMPLES = 2000


@dataclass(frozen=True)
class Pair:
    """One model against another.

    Attributes:
        first, second: names of the models.
        difference: the second's number minus the first's.
        low, high: 95 % interval of the difference, not corrected for the number of pairs.
        p: two-sided p-value of "no difference".
        p_holm: the same, corrected for all pairs of the comparison.
        differs: whether ``p_holm`` is below 0.05.
    """

    first: str
    second: str
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    differs: bool


@dataclass(frozen=True)
class Comparison:
    """All pairs of some models by one number.

    Attributes:
        statistic: which number, such as ``bbox_mAP``.
        scores: of each model, on all images.
        pairs: in the order of the models.
        groups: number of groups that were drawn.
        rule: by what images were grouped, in words.
        resamples: number of draws.
        trusted: False with fewer than ten groups.
    """

    statistic: str
    scores: dict[str, float]
    pairs: list[Pair]
    groups: int
    rule: str
    resamples: int
    trusted: bool


def compare(
    annotations: Annotations,
    models: Mapping[str, Detections],
    *,
    statistic: str = "bbox_mAP",
    by: Sequence[str] | None = None,
    max_dets: int = 100,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare models in pairs by a bootstrap over groups of images.

    Every model is scored on the same resamples, so that what makes a video hard for all of them
    cancels. Holm's correction keeps the chance of calling any of the pairs different, where none
    is, at 5 %.

    Args:
        annotations: ground truth of the images that all models saw.
        models: detections of each by name, checked, on the rows of ``annotations``; two or more.
        statistic: ``bbox_mAP``, ``bbox_mAP_50``, ``bbox_mAP_75`` or ``bbox_AR_<max_dets>``.
        by: keys of the groups, see ``sampling_groups``.
        max_dets: best detections of an image and class that count.
        resamples: number of draws. No p-value is below 2 / (resamples + 1): with many pairs more
            are needed, at least 40 times their number.
        seed: of the draws.

    Raises:
        FishdetError: fewer than two models, an unknown statistic, or too few resamples for the
            number of pairs.
        FishDataError: a group key that the images do not have.
    """
    pairs = list(combinations(models, 2))
    _check(len(models), len(pairs), resamples)
    groups = sampling_groups(annotations, by)
    weights = (
        bootstrap_weights(groups.index, resamples, seed),
        jackknife_weights(groups.index, seed),
        np.ones((1, annotations.num_images), np.int32),
    )
    columns = {}
    for name, detections in models.items():
        matches = match(annotations, detections, max_dets=max_dets)
        columns[name] = [_column(totals(matches, w, max_dets)[0], statistic) for w in weights]
    found = []
    for first, second in pairs:
        draws, jackknife, whole = (
            b - a for a, b in zip(columns[first], columns[second], strict=True)
        )
        found.append(
            (float(whole[0]), *paired(draws, float(whole[0]), jackknife, len(groups.names)))
        )
    corrected = holm([p for _, _, _, p in found])
    return Comparison(
        statistic=statistic,
        scores={name: float(column[2][0]) for name, column in columns.items()},
        pairs=[
            Pair(*names, *values, p_holm=p, differs=bool(p < 0.05))
            for names, values, p in zip(pairs, found, corrected, strict=True)
        ],
        groups=len(groups.names),
        rule=groups.rule,
        resamples=resamples,
        trusted=len(groups.names) >= FEWEST_GROUPS,
    )


def paired(
    draws: np.ndarray, difference: float, jackknife: np.ndarray, groups: int
) -> tuple[float, float, float]:
    """Return the ends of the 95 % interval of a difference, and the p-value that goes with it.

    Args:
        draws: (B,) the difference in each resample.
        difference: on the sample itself.
        jackknife: (J,) the difference without one group after the other.
        groups: number of groups.
    """
    low, high = widened_bca(draws, difference, jackknife, groups)
    return low, high, p_value(draws, difference, jackknife, groups)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, in the order given.

    Holm (1979), A simple sequentially rejective multiple test procedure; as in
    https://metricgate.com/docs/holm-bonferroni-correction (2026-11-25): the i-th smallest of m is
    multiplied by m - i + 1, none is smaller than one before it, and 1 is the largest. NaN, a
    comparison that cannot be made, stays and does not count.
    """
    values = np.asarray(p_values, np.float64)
    order = np.argsort(values)[: np.count_nonzero(~np.isnan(values))]
    factors = np.arange(len(order), 0, -1)
    corrected = np.full(len(values), np.nan)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(values[order] * factors))
    return [float(value) for value in corrected]


def _column(values: Mapping[str, np.ndarray], statistic: str) -> np.ndarray:
    if statistic not in values:
        raise FishdetError(f"statistic {statistic!r} cannot be compared; choose of {list(values)}")
    return values[statistic]


def _check(models: int, pairs: int, resamples: int) -> None:
    if models < 2:
        raise FishdetError(f"a comparison takes two models or more, not {models}")
    if 2 * pairs / (resamples + 1) >= 0.05:
        raise FishdetError(
            f"{resamples} resamples are too few for {pairs} pairs: no difference could be called "
            f"one; use at least {40 * pairs}"
        )
