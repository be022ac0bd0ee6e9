"""What the boxes' sizes suggest: anchors, and the size that pictures should be trained at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

STRIDES = (4, 8, 16, 32, 64)  # of an FPN's levels, as in mmdet's Faster R-CNN
DEFAULT_SCALE, DEFAULT_RATIOS = 8.0, (0.5, 1.0, 2.0)  # mmdet's Faster R-CNN
SCALES = (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0)
MOST = 20_000  # boxes that anchors are fitted to
STEP = 32  # pixels: sizes of pictures are multiples
PERCENTILE = 10.0
SAME_RATIO = 1.2
"""Anchors of one area whose ratios differ by less overlap with IoU over 0.9: one says it all."""

_RESTARTS, _ROUNDS = 4, 100


@dataclass(frozen=True)
class Fit:
    """How well anchors fit boxes, places aside: what the best anchor of each box reaches.

    Attributes:
        iou: Mean IoU with the best anchor.
        recall: Share of the boxes whose best anchor reaches IoU 0.5.
    """

    iou: float
    recall: float


@dataclass(frozen=True)
class Generator:
    """Settings of mmdet's AnchorGenerator (``ratios`` are height to width) and their fit."""

    scale: float
    ratios: tuple[float, ...]
    fit: Fit


@dataclass(frozen=True)
class ImageScale:
    """The longer side at which small boxes are large enough.

    Attributes:
        side: Pixels of the longer side, a multiple of 32.
        share: The 10th percentile of the boxes' shorter side, of the picture's longer side.
        min_side: Pixels that this percentile reaches at ``side``.
        stored: Median longer side of the pictures on disk.
    """

    side: int
    share: float
    min_side: float
    stored: float


def iou_of_sizes(sizes: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """(M, K) IoU of sizes (M, 2) and anchors (K, 2) that share their centre."""
    shared = np.minimum(sizes[:, None], anchors[None]).prod(2)
    return shared / (sizes.prod(1)[:, None] + anchors.prod(1)[None] - shared)


def sample(sizes: np.ndarray, seed: int = 0) -> np.ndarray:
    """At most ``MOST`` of ``sizes`` (M, 2), by chance but always the same ones."""
    if len(sizes) <= MOST:
        return sizes
    return sizes[np.sort(np.random.default_rng(seed).choice(len(sizes), MOST, replace=False))]


def fit(sizes: np.ndarray, anchors: np.ndarray) -> Fit:
    """How well ``anchors`` (K, 2) fit ``sizes`` (M, 2), M > 0."""
    best = iou_of_sizes(sizes, anchors).max(1)
    return Fit(float(best.mean()), float((best >= 0.5).mean()))


def cluster_sizes(sizes: np.ndarray, number: int, seed: int = 0) -> np.ndarray:
    """Anchors by k-means with the distance 1 - IoU.

    Redmon and Farhadi, "YOLO9000: Better, Faster, Stronger" (CVPR 2017), section 2, dimension
    clusters. Centres start as in k-means++; the best of a few starts is taken.

    Args:
        sizes: (M, 2) widths and heights above 0, M > 0.
        number: How many anchors; fewer where there are fewer different sizes.
        seed: Of the starts.

    Returns:
        (K, 2) float64, by area.
    """
    rng = np.random.default_rng(seed)
    number = min(number, len(np.unique(sizes, axis=0)))
    runs = [_lloyd(sizes, _starts(sizes, number, rng)) for _ in range(_RESTARTS)]
    best = max(runs, key=lambda anchors: fit(sizes, anchors).iou)
    return best[np.argsort(best.prod(1))]


def suggest_generator(sizes: np.ndarray) -> Generator:
    """One scale and three ratios for an FPN detector, from sizes (M, 2) at training size, M > 0.

    Ratios are the middles of the boxes' thirds by log ratio, and fewer than three where boxes are
    all of about one shape; of ``SCALES`` the one is taken whose anchors fit best.
    """
    shape = np.log(sizes[:, 1] / sizes[:, 0])
    ratios = _apart(np.exp(np.quantile(shape, (1 / 6, 1 / 2, 5 / 6))).tolist())
    return max((generator(sizes, scale, ratios) for scale in SCALES), key=lambda one: one.fit.iou)


def _apart(ratios: Sequence[float]) -> tuple[float, ...]:
    """Three ascending ratios, rounded, without those that would nearly repeat another anchor."""
    low, middle, high = ratios
    if high < low * SAME_RATIO:
        kept = [middle]
    else:
        kept = [low] + [middle] * (low * SAME_RATIO <= middle <= high / SAME_RATIO) + [high]
    return tuple(float(f"{ratio:.2g}") for ratio in kept)


def generator(sizes: np.ndarray, scale: float, ratios: Sequence[float]) -> Generator:
    """mmdet's AnchorGenerator of these settings on ``STRIDES``, and how it fits ``sizes``."""
    roots = np.sqrt(np.array(ratios))
    shapes = np.stack([scale / roots, scale * roots], 1)
    anchors = (np.array(STRIDES)[:, None, None] * shapes[None]).reshape(-1, 2)
    return Generator(scale, tuple(ratios), fit(sizes, anchors))


def suggest_scale(relative: np.ndarray, longest: np.ndarray, min_side: float) -> ImageScale:
    """The longer side at which all but a tenth of the boxes are ``min_side`` pixels or more.

    Args:
        relative: (M, 2) widths and heights in units of the picture's longer side, M > 0.
        longest: (N,) longer sides of the pictures in pixels.
        min_side: Pixels that the 10th percentile of the boxes' shorter side is to reach.
    """
    share = max(float(np.percentile(relative.min(1), PERCENTILE)), 1e-6)
    side = math.ceil(round(min_side / share / STEP, 6)) * STEP
    return ImageScale(side, share, share * side, float(np.median(longest)))


def _starts(sizes: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    chosen = [int(rng.integers(len(sizes)))]
    while len(chosen) < number:
        far = (1 - iou_of_sizes(sizes, sizes[chosen])).min(1) ** 2
        far[far < 1e-12] = 0
        chosen.append(int(rng.choice(len(sizes), p=far / far.sum())))
    return sizes[chosen]


def _lloyd(sizes: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """Lloyd's rounds until no box changes its anchor, or the mean IoU no longer grows."""
    reached = 0.0
    for _ in range(_ROUNDS):
        ious = iou_of_sizes(sizes, anchors)
        nearest, mean = ious.argmax(1), float(ious.max(1).mean())
        if mean <= reached + 1e-9:
            break
        reached, before = mean, anchors
        members = [sizes[nearest == index] for index in range(len(anchors))]
        anchors = np.array(
            [m.mean(0) if len(m) else a for m, a in zip(members, anchors, strict=True)]
        )
    else:
        return anchors
    return before
