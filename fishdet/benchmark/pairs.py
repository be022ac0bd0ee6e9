"""Detectors of several seeds each on one ground truth: scores with intervals, and which differ.

A resample draws groups of images, the same for all detectors, and for each detector as many of
its seeds as it has, with replacement. So both what the pictures and what the seeds of training
move is in the interval; with one seed only the first is, which the tables say. The rest is as in
``fishdet.evaluation.compare``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from fish_dataset.annotations import Annotations
from fishdet.errors import FishdetError
from fishdet.evaluation.compare import RESAMPLES, Pair, holm, paired
from fishdet.evaluation.detections import Detections
from fishdet.evaluation.intervals import FEWEST_GROUPS
from fishdet.evaluation.intervals.bounds import widened_bca
from fishdet.evaluation.intervals.resampling import (
    bootstrap_weights,
    jackknife_weights,
    sampling_groups,
)
from fishdet.evaluation.intervals.statistics import totals
from fishdet.evaluation.matching import match

MAX_DETS = 100
Columns = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Score:
    """Mean of a number over the seeds of a detector, with its 95 % interval."""

    value: float
    low: float
    high: float
    seeds: int
    spread: float | None  # standard deviation over the seeds; None for one


@dataclass(frozen=True)
class Judgement:
    """What ``judge`` finds.

    Attributes:
        statistic: the number by which pairs are compared.
        scores: by detector and name of the number.
        pairs: in the order of the detectors, corrected by Holm for their number.
        groups, rule, resamples: how the resamples were drawn.
        trusted: False with fewer than ten groups.
    """

    statistic: str
    scores: dict[str, dict[str, Score]]
    pairs: list[Pair]
    groups: int
    rule: str
    resamples: int
    trusted: bool


def judge(
    annotations: Annotations,
    detectors: Mapping[str, Sequence[Detections]],
    *,
    statistic: str = "bbox_mAP",
    by: Sequence[str] | None = None,
    resamples: int | None = None,
    seed: int = 0,
) -> Judgement:
    """Score detectors and compare all pairs.

    Args:
        annotations: ground truth.
        detectors: by name the detections of each seed, on the rows of ``annotations``.
        statistic: ``bbox_mAP``, ``bbox_mAP_50``, ``bbox_mAP_75`` or ``bbox_AR_100``.
        by: keys of the groups, see ``sampling_groups``.
        resamples: draws; by default 2,000, or 40 a pair where that is more.
        seed: of the draws.

    Raises:
        FishdetError: an unknown statistic, or too few resamples for the number of pairs.
        FishDataError: a group key that the images do not have.
    """
    names = list(combinations(detectors, 2))
    resamples = resamples or max(RESAMPLES, 40 * len(names))
    if 2 * len(names) / (resamples + 1) >= 0.05:
        raise FishdetError(
            f"--resamples {resamples} are too few for {len(names)} pairs: no difference could be "
            f"called one; use at least {40 * len(names)}"
        )
    groups = sampling_groups(annotations, by)
    count = len(groups.names)
    weights = (
        bootstrap_weights(groups.index, resamples, seed),
        jackknife_weights(groups.index, seed),
        np.ones((1, annotations.num_images), np.int32),
    )
    columns, scores = {}, {}
    for number, (name, seeds) in enumerate(detectors.items()):
        found = _columns(annotations, seeds, weights, np.random.default_rng((seed, number)))
        if statistic not in found:
            raise FishdetError(f"--statistic {statistic!r}: choose of {', '.join(found)}")
        columns[name] = found[statistic][0]
        scores[name] = {key: _score(*value, count) for key, value in found.items()}
    return Judgement(
        statistic=statistic,
        scores=scores,
        pairs=_pairs(names, columns, count),
        groups=count,
        rule=groups.rule,
        resamples=resamples,
        trusted=count >= FEWEST_GROUPS,
    )


def _columns(
    annotations: Annotations,
    seeds: Sequence[Detections],
    weights: tuple[np.ndarray, np.ndarray, np.ndarray],
    rng: np.random.Generator,
) -> dict[str, tuple[Columns, np.ndarray]]:
    """By number: draws (B,), jackknife (J,) and whole (1,) of the mean, and (S,) of each seed."""
    found: list[list[dict[str, np.ndarray]]] = []
    for detections in seeds:
        matches = match(annotations, detections, max_dets=MAX_DETS)
        found.append([totals(matches, part, MAX_DETS)[0] for part in weights])
    chosen = rng.integers(len(seeds), size=(len(seeds), len(weights[0])))
    result = {}
    for key in found[0][0]:
        draws, jackknife, whole = (
            np.stack([by_seed[part][key] for by_seed in found]) for part in range(3)
        )
        mean = np.take_along_axis(draws, chosen, axis=0).mean(axis=0)
        result[key] = (mean, jackknife.mean(axis=0), whole.mean(axis=0)), whole[:, 0]
    return result


def _score(columns: Columns, each: np.ndarray, groups: int) -> Score:
    draws, jackknife, whole = columns
    low, high = np.clip(widened_bca(draws, float(whole[0]), jackknife, groups), 0.0, 1.0)
    spread = float(each.std(ddof=1)) if len(each) > 1 else None
    return Score(float(whole[0]), float(low), float(high), len(each), spread)


def _pairs(
    names: Sequence[tuple[str, str]], columns: Mapping[str, Columns], groups: int
) -> list[Pair]:
    found = []
    for first, second in names:
        draws, jackknife, whole = (
            b - a for a, b in zip(columns[first], columns[second], strict=True)
        )
        found.append((float(whole[0]), *paired(draws, float(whole[0]), jackknife, groups)))
    corrected = holm([p for _, _, _, p in found])
    return [
        Pair(*pair, *values, p_holm=p, differs=bool(p < 0.05))
        for pair, values, p in zip(names, found, corrected, strict=True)
    ]
