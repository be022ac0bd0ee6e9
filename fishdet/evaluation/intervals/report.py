"""Every headline number of an evaluation with its 95 % interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.splits.grouping import Groups

from ..detections import Detections
from ..matching import Matches, match
from .bounds import Bounds, widened_bca
from .resampling import bootstrap_weights, jackknife_weights, sampling_groups
from .statistics import count_errors, totals, weighted_mean

FEWEST_GROUPS = 10
"""With fewer groups an interval is not to be trusted (docs/metrics.md, "Intervals")."""

RESAMPLES = 1000


@dataclass(frozen=True)
class Intervals:
    """95 % intervals of one evaluation.

    Attributes:
        intervals: ``bbox_mAP``, ``bbox_mAP_50``, ``bbox_mAP_75``, ``bbox_AR_<n>`` and
            ``count_MAE`` as (low, high); NaN where undefined.
        species: the same of ``AP`` and ``AP50`` of each class.
        species_groups: number of groups with a box of each class.
        count_MAE: mean over the images of ``count_errors``.
        groups: number of groups that were drawn.
        rule: by what images were grouped, in words.
        resamples: number of draws.
        warning: why the intervals are not to be trusted, or an empty text.
    """

    intervals: dict[str, tuple[float, float]]
    species: dict[str, dict[str, tuple[float, float]]]
    species_groups: dict[str, int]
    count_MAE: float
    groups: int
    rule: str
    resamples: int
    warning: str
    level: float = 0.95
    method: str = "widened BCa bootstrap over groups"

    def as_dict(self) -> dict[str, Any]:
        """Return the record for a JSON file: ``intervals``, and the rest below ``bootstrap``."""
        record = asdict(self)
        return {"intervals": record.pop("intervals"), "bootstrap": record}


def intervals(
    annotations: Annotations,
    detections: Detections,
    *,
    by: Sequence[str] | None = None,
    max_dets: int = 100,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Intervals:
    """Bootstrap the headline numbers over groups of images.

    Args:
        annotations: ground truth, of images that were all evaluated.
        detections: checked, on its rows.
        by: keys of the groups; None: video, else site, else each image alone (see
            ``resampling.sampling_groups``).
        max_dets: best detections of an image and class that count.
        resamples: number of draws; 1,000 place an end to about a tenth of the interval's width.
        seed: of the draws.

    Raises:
        FishDataError: a group key that the images do not have.
    """
    groups = sampling_groups(annotations, by)
    count = len(groups.names)
    matches = match(annotations, detections, max_dets=max_dets)
    errors = count_errors(annotations, detections)
    draws, jackknife, whole = (
        _columns(matches, errors, weights, max_dets)
        for weights in (
            bootstrap_weights(groups.index, resamples, seed),
            jackknife_weights(groups.index, seed),
            np.ones((1, annotations.num_images), np.int32),
        )
    )
    held = _groups_with_boxes(matches, groups)
    found = {
        key: _possible(
            key[0],
            widened_bca(
                values,
                float(whole[key][0]),
                jackknife[key],
                count if key[1] is None else held[key[1]],
            ),
        )
        for key, values in draws.items()
    }
    return Intervals(
        intervals={name: ends for (name, label), ends in found.items() if label is None},
        species={
            name: {part: found[part, label] for part in ("AP", "AP50")}
            for label, name in enumerate(annotations.classes)
        },
        species_groups=dict(zip(annotations.classes, held, strict=True)),
        count_MAE=float(whole["count_MAE", None][0]),
        groups=count,
        rule=groups.rule,
        resamples=resamples,
        warning=_warning(count),
    )


def _columns(
    matches: Matches, errors: np.ndarray, weights: np.ndarray, limit: int
) -> dict[tuple[str, int | None], np.ndarray]:
    """(B,) of every number by its name and class; None stands for all classes."""
    values, per_class = totals(matches, weights, limit)
    values["count_MAE"] = weighted_mean(errors, weights)
    columns: dict[tuple[str, int | None], np.ndarray] = {
        (name, None): column for name, column in values.items()
    }
    for part, table in per_class.items():
        columns |= {(part, label): table[:, label] for label in range(table.shape[1])}
    return columns


def _possible(name: str, ends: Bounds) -> Bounds:
    """An AP or recall beyond 0 or 1, or an error below 0, is none."""
    low, high = np.clip(ends, 0.0, np.inf if name == "count_MAE" else 1.0)
    return float(low), float(high)


def _groups_with_boxes(matches: Matches, groups: Groups) -> list[int]:
    boxes = np.zeros((len(groups.names), matches.positives.shape[1]), np.int64)
    np.add.at(boxes, groups.index, matches.positives)
    return [int(count) for count in (boxes > 0).sum(axis=0)]


def _warning(groups: int) -> str:
    if groups >= FEWEST_GROUPS:
        return ""
    return (
        f"{groups} group{'s' if groups > 1 else ''} of images (videos, sites or series): with "
        f"fewer than {FEWEST_GROUPS} an interval is not to be trusted"
    )
