"""Boxes that stand out: drawn twice, nested, as large as the picture, odd for their class."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.ragged import ranges

SAME_IOU = 0.85
"""Two boxes of one picture at this IoU are one thing drawn twice (in 5,784 boxes of Aquarium and
DeepFish there is one such pair, at over 0.95)."""

NESTED = 0.95
"""Share of the smaller box inside the larger one of its class."""

WHOLE = 0.95
"""Share of the picture's width and of its height."""

OUTLIER = 5.0
"""Robust z of the logarithm: distance from the class's median in standard deviations, which the
median absolute deviation × 1.4826 estimates (Iglewicz and Hoaglin 1993, by
https://jeffreyevans.github.io/spatialEco/reference/outliers.html, read 2026-11-25). At 5, 2 of
Aquarium's 4,233 boxes and 18 of DeepFish's 1,551 are named."""

MIN_BOXES = 30  # of a class, under which its spread is not known
MIN_SPREAD = 0.15  # of the logarithm: among equal boxes one 15 % larger is no outlier
MAX_OVERLAPS = 200
_CHUNK = 10_000  # boxes


def overlapping_pairs(data: Annotations) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of boxes of one picture that share pixels; crowd and ignored boxes take no part.

    Boxes are swept by their left edge. Where more than 200 begin inside the width of one (a million
    boxes on a picture), that one meets the next 200; exact copies are next to it. So time and
    memory are bounded: 200 pairs a box, a few millions at a time.

    Yields:
        (P,) and (P,) int64 box rows, in the order of the sweep.
    """
    plain = np.flatnonzero(~(data.crowd | data.ignore))
    x, y, w, h = data.bboxes[plain].astype(np.float64).T
    image = data.box_image[plain]
    order = np.lexsort((h, w, y, x, image))
    plain, image = plain[order], image[order]
    low = np.stack([x, y], axis=1)[order]
    high = low + np.stack([w, h], axis=1)[order]
    counts = _last_overlap(image, low[:, 0], high[:, 0]) - np.arange(len(plain))
    counts = np.clip(counts, 0, MAX_OVERLAPS)
    for start in range(0, len(plain), _CHUNK):
        some = counts[start : start + _CHUNK]
        here = np.arange(start, start + len(some))
        first, second = np.repeat(here, some), ranges(here + 1, some)
        meet = (low[second, 1] < high[first, 1]) & (low[first, 1] < high[second, 1])
        yield plain[first[meet]], plain[second[meet]]


def _last_overlap(image: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(M,) position of the last box of the same picture that begins before this one ends."""
    # One ascending key for all pictures: each gets a stretch of its own on the line.
    step = float(right.max(initial=0.0)) + 1.0
    return np.searchsorted(image * step + left, image * step + right, side="left") - 1


def overlaps(data: Annotations, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, ...]:
    """IoU (P,) of pairs of boxes, and the share (P,) of the smaller one inside the other."""
    a, b = (data.bboxes[rows].astype(np.float64) for rows in (first, second))
    low = np.maximum(a[:, :2], b[:, :2])
    high = np.minimum(a[:, :2] + a[:, 2:], b[:, :2] + b[:, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    areas = np.prod(a[:, 2:], axis=1), np.prod(b[:, 2:], axis=1)
    return shared / (areas[0] + areas[1] - shared), shared / np.minimum(*areas)


def box_pairs(data: Annotations) -> dict[str, np.ndarray]:
    """Boxes that another one makes doubtful, each once, by rule: (P, 2) rows, the doubtful second.

    Rules: 'box-duplicate' (one class, IoU of ``SAME_IOU``; the later box is doubtful),
    'box-two-classes' (the same with two classes), 'box-nested' (one class, one inside the other;
    the inner box is doubtful).
    """
    found: dict[str, list[np.ndarray]] = {
        rule: [np.zeros((0, 2), np.int64)]
        for rule in ("box-duplicate", "box-two-classes", "box-nested")
    }
    for first, second in overlapping_pairs(data):
        pairs = np.sort(np.stack([first, second], axis=1), axis=1)
        iou, inside = overlaps(data, first, second)
        one_class = data.labels[first] == data.labels[second]
        same = iou >= SAME_IOU
        found["box-duplicate"].append(_each_once(pairs[same & one_class]))
        found["box-two-classes"].append(_each_once(pairs[same & ~one_class]))
        nested = pairs[(inside >= NESTED) & one_class & ~same]
        areas = np.prod(data.bboxes[nested][:, :, 2:].astype(np.float64), axis=2)
        turned = areas[:, :1] < areas[:, 1:]
        found["box-nested"].append(_each_once(np.where(turned, nested[:, ::-1], nested)))
    return {rule: _each_once(np.concatenate(pairs)) for rule, pairs in found.items()}


def _each_once(pairs: np.ndarray) -> np.ndarray:
    """For every box that stands second, the pair with the earliest box before it."""
    order = np.lexsort((pairs[:, 0], pairs[:, 1]))
    _, place = np.unique(pairs[order, 1], return_index=True)
    return pairs[order[place]]


def whole_picture(data: Annotations) -> np.ndarray:
    """(M,) bool, boxes nearly as wide and as high as their picture; crowd and ignored ones not."""
    size = np.stack([data.widths, data.heights], axis=1)[data.box_image]
    return (data.bboxes[:, 2:] >= WHOLE * size).all(axis=1) & ~(data.crowd | data.ignore)


def shape_numbers(data: Annotations) -> dict[str, np.ndarray]:
    """(M,) float64 by rule: aspect ratio (width / height), and size relative to the picture (square
    root of the share of its area)."""
    sides = np.maximum(data.bboxes[:, 2:].astype(np.float64), 1e-9)
    picture = data.widths.astype(np.float64) * data.heights
    return {
        "box-odd-shape": sides[:, 0] / sides[:, 1],
        "box-odd-size": np.sqrt(np.prod(sides, axis=1) / picture[data.box_image]),
    }


def robust_z(values: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far positive values stand from those of their class.

    Args:
        values: (M,) positive; compared by their logarithms.
        labels: (M,) class of each.

    Returns:
        (M,) z, 0 in classes of fewer than 30; (M,) median of the class.
    """
    logs = np.log(values)
    z, medians = np.zeros(len(values)), np.ones(len(values))
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        if len(rows) < MIN_BOXES:
            continue
        middle = np.median(logs[rows])
        spread = max(1.4826 * np.median(np.abs(logs[rows] - middle)), MIN_SPREAD)
        z[rows] = np.abs(logs[rows] - middle) / spread
        medians[rows] = np.exp(middle)
    return z, medians
