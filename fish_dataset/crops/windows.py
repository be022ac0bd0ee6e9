"""Where a crop lies in its picture, and how it is brought to one size. Plain arrays only.

Boxes are x1, y1, x2, y2 in pixels of the picture.
"""

from __future__ import annotations

import cv2
import numpy as np

MARGIN = 0.1
SMALLEST = 8  # pixels of a box's longer side: a fish of fewer shows no species
GREY = 127


def jittered(box: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Return ``box`` (4,) as a detector might have drawn it: each side moved on its own.

    Args:
        box: x1, y1, x2, y2.
        amount: standard deviation of a side's shift, of the box's width or height; shifts end at
            two of them. 0.05 keeps the IoU with the box near 0.85.
        rng: the source of chance.
    """
    x1, y1, x2, y2 = np.asarray(box, np.float64)
    shifts = np.clip(rng.normal(0, amount, 4), -2 * amount, 2 * amount)
    width, height = x2 - x1, y2 - y1
    moved: np.ndarray = np.array([x1, y1, x2, y2]) + shifts * (width, height, width, height)
    return moved


def cut(
    image: np.ndarray, box: np.ndarray, size: tuple[int, int], margin: float = MARGIN
) -> np.ndarray:
    """Return the fish in ``box`` with ``margin`` around it, whole, in the middle of grey.

    The shape of the fish is kept, since it tells species apart; what a square has left over is
    grey. Margins end where the picture does.

    Args:
        image: (H, W, 3) uint8.
        box: x1, y1, x2, y2; at least one pixel of it is taken.
        size: width and height of the result in pixels.
        margin: added on each side, of the box's width or height.

    Returns:
        (height, width, 3) uint8.
    """
    left, top, right, bottom = bounds(box, margin, (image.shape[1], image.shape[0]))
    part = image[top:bottom, left:right]
    scale = min(size[0] / part.shape[1], size[1] / part.shape[0])
    width, height = (max(1, round(side * scale)) for side in (part.shape[1], part.shape[0]))
    width, height = min(width, size[0]), min(height, size[1])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas = np.full((size[1], size[0], 3), GREY, np.uint8)
    x, y = (size[0] - width) // 2, (size[1] - height) // 2
    canvas[y : y + height, x : x + width] = cv2.resize(part, (width, height), interpolation=how)
    return canvas


def bounds(box: np.ndarray, margin: float, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of a box with margin, inside a picture (width, height)."""
    x1, y1, x2, y2 = (float(value) for value in box)
    dx, dy = margin * (x2 - x1), margin * (y2 - y1)
    left = min(max(int(np.floor(x1 - dx)), 0), size[0] - 1)
    top = min(max(int(np.floor(y1 - dy)), 0), size[1] - 1)
    right = min(max(int(np.ceil(x2 + dx)), left + 1), size[0])
    bottom = min(max(int(np.ceil(y2 + dy)), top + 1), size[1])
    return left, top, right, bottom


def ious(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the intersection over union (N,) of ``box`` (4,) with ``others`` (N, 4)."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1) + np.prod(box[2:] - box[:2])
    return shared / np.maximum(areas - shared, 1e-9)
