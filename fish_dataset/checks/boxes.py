"""Rules on boxes, as masks over columns."""

from __future__ import annotations

import numpy as np

MIN_SIDE = 0.01
"""Pixels. Under it float32 corners of a large picture coincide and box regression meets log(0)."""

_ROUNDING = 1e-3  # pixels over the edge that come of decimals in the file and are not counted


def clip_to_image(bboxes: np.ndarray, widths: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Boxes cut at the edges of their pictures.

    Args:
        bboxes: (M, 4) float64, x, y, width, height in pixels.
        widths: (M,) width of each box's picture.
        heights: (M,) height of each box's picture.

    Returns:
        (M, 4) float64 xywh; sides may be 0 or negative where a box lies outside.
    """
    limits = np.stack([widths, heights], axis=1).astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        low = np.maximum(bboxes[:, :2], 0.0)
        high = np.minimum(bboxes[:, :2] + bboxes[:, 2:], limits)
        inside = np.all((bboxes[:, :2] >= 0) & (bboxes[:, :2] + bboxes[:, 2:] <= limits), axis=1)
        cut = np.concatenate([low, high - low], axis=1)
    # A box that fits keeps its very numbers: (x + w) - x is not always w.
    return np.where(inside[:, None], bboxes, cut)


def box_faults(
    bboxes: np.ndarray, widths: np.ndarray, heights: np.ndarray
) -> dict[str, np.ndarray]:
    """Masks (M,) of the rules on single boxes; a box has at most one fault that refuses it.

    Args:
        bboxes: (M, 4) float64 xywh, pixels.
        widths: (M,) width of each box's picture; 0 where it is not known (nothing is outside it).
        heights: (M,) its height.

    Returns:
        Masks by rule: 'box-not-finite', 'box-negative', 'box-no-size', 'box-outside',
        'box-clipped', 'box-tiny'.
    """
    sized = (widths > 0) & (heights > 0)
    odd = ~np.isfinite(bboxes).all(axis=1)
    sides = bboxes[:, 2:]
    with np.errstate(invalid="ignore", over="ignore"):
        negative = ~odd & (sides < 0).any(axis=1)
        flat = ~odd & ~negative & (sides < MIN_SIDE).any(axis=1)
        sound = ~odd & ~negative & ~flat
        clipped = clip_to_image(bboxes, widths, heights)
        outside = sound & sized & (clipped[:, 2:] < MIN_SIDE).any(axis=1)
        moved = (np.abs(clipped - bboxes) > _ROUNDING).any(axis=1)
        cut = sound & sized & ~outside & moved
        final = np.where(sized[:, None], clipped, bboxes)[:, 2:]
        tiny = sound & ~outside & (final < 1).any(axis=1)
    return {
        "box-not-finite": odd,
        "box-negative": negative,
        "box-no-size": flat,
        "box-outside": outside,
        "box-clipped": cut,
        "box-tiny": tiny,
    }


def look_like_corners(bboxes: np.ndarray, widths: np.ndarray, heights: np.ndarray) -> bool:
    """Whether boxes seem to be [x1, y1, x2, y2]: right and below of x, y in every box, inside the
    picture as corners, while a quarter of them would stick out of it as [x, y, width, height].

    Without this, such boxes would be cut at the edge one by one and counted as harmless. At least
    ten boxes are asked for, since one large box can look like either.
    """
    if len(bboxes) < 10 or not np.isfinite(bboxes).all():
        return False
    if not (bboxes[:, 2:] > bboxes[:, :2]).all():
        return False
    limits = np.stack([widths, heights], axis=1)
    if not (bboxes[:, 2:] <= limits + 1).all():
        return False
    over = (bboxes[:, :2] + bboxes[:, 2:] > limits + 1).any(axis=1)
    return bool(over.mean() > 0.25)


def look_normalised(bboxes: np.ndarray) -> bool:
    """Whether all boxes are fractions of the picture, as YOLO writes them."""
    fractions = np.isfinite(bboxes).all() and ((bboxes >= 0) & (bboxes <= 1)).all()
    return bool(len(bboxes) and fractions and (bboxes % 1 != 0).any())
