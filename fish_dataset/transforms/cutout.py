"""Cut a fish out of its box, and lay it over another picture: plain functions on arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

MaskMethod = Literal["grabcut", "ellipse"]
WORKING = 96  # longest side in pixels at which GrabCut runs
ROUNDS = 3
MIN_AREA, MAX_AREA = 0.2, 0.95  # of the box: a cut outside these is no fish
MIN_EXTENT = 0.6  # of each side of the box


@dataclass(frozen=True)
class Cutout:
    """A fish without its background.

    Attributes:
        patch: (h, w, 3) uint8 BGR.
        mask: (h, w) bool, touching all four sides: its extent is the patch.
        around: (3,) float64 BGR, mean colour of the water that it was cut from.
    """

    patch: np.ndarray
    mask: np.ndarray
    around: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.patch.shape[0], self.patch.shape[1]


def cut(image: np.ndarray, box: np.ndarray, method: MaskMethod = "grabcut") -> Cutout:
    """Cut out what is in ``box``.

    GrabCut (Rother, Kolmogorov and Blake 2004) parts it from the water around the box. Where its
    answer is implausible, and for ``method`` 'ellipse', the mask is the ellipse in the box.

    Args:
        image: (H, W, 3) uint8 BGR.
        box: (4,) x1, y1, x2, y2 in pixels, of at least one pixel within the picture.
        method: how the mask is made.
    """
    x1, y1, x2, y2 = pixel_box(box, image.shape)
    patch = image[y1:y2, x1:x2]
    mask = _grabcut(image, (x1, y1, x2, y2)) if method == "grabcut" else None
    if mask is None or not _plausible(mask):
        mask = ellipse(patch.shape[:2])
    outside = patch[~mask] if (~mask).any() else patch.reshape(-1, 3)
    return _trimmed(patch, mask, outside.reshape(-1, 3).mean(0))


def pixel_box(box: np.ndarray, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Whole pixels that hold ``box`` within a picture of ``shape``: x1, y1, x2, y2."""
    limits = np.array([shape[1], shape[0]] * 2)
    low, high = np.floor(box[:2] + 1e-3), np.ceil(box[2:] - 1e-3)
    x1, y1, x2, y2 = np.clip(np.concatenate([low, high]), 0, limits).astype(int).tolist()
    return x1, y1, max(x2, x1 + 1), max(y2, y1 + 1)


def ellipse(shape: tuple[int, ...]) -> np.ndarray:
    """(h, w) bool, the ellipse that touches all four sides."""
    y, x = (np.linspace(-1 + 1 / n, 1 - 1 / n, n) for n in shape)
    inside: np.ndarray = x[None] ** 2 + y[:, None] ** 2 <= 1
    middle = [slice((n - 1) // 2, n // 2 + 1) for n in shape]
    inside[middle[0], :] = True
    inside[:, middle[1]] = True
    return inside


def transformed(cutout: Cutout, scale: float, flip: bool) -> Cutout:
    """The cutout ``scale`` times as large, mirrored left to right or not."""
    height, width = (max(1, round(side * scale)) for side in cutout.size)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    patch = cv2.resize(cutout.patch, (width, height), interpolation=how)
    soft = cv2.resize(cutout.mask.astype(np.float32), (width, height), interpolation=how)
    mask = soft > 0.5 if (soft > 0.5).any() else soft > 0
    if flip:
        patch, mask = patch[:, ::-1], mask[:, ::-1]
    return _trimmed(patch, mask, cutout.around)


def alpha(mask: np.ndarray) -> np.ndarray:
    """(h, w) float32 opacity with a soft edge: above 0 on the mask and nowhere else."""
    sigma = max(0.6, min(mask.shape) / 40)
    hard = mask.astype(np.float32)
    soft = cv2.GaussianBlur(hard, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    return np.where(mask, soft, 0)


def paste(
    image: np.ndarray, cutout: Cutout, corner: tuple[int, int], harmonise: float
) -> np.ndarray:
    """Lay ``cutout`` over ``image`` in place; returns the box (4,) float32 that it fills.

    Args:
        image: (H, W, 3) uint8 BGR.
        cutout: must lie within the picture.
        corner: x, y of its upper left pixel.
        harmonise: share of the difference between old and new water, in mean colour, that is
            added to the fish (Reinhard et al. 2001, means only).
    """
    (height, width), (x, y) = cutout.size, corner
    target = image[y : y + height, x : x + width]
    shift = harmonise * (target.reshape(-1, 3).mean(0) - cutout.around)
    fish = np.clip(cutout.patch + shift, 0, 255)
    weight = alpha(cutout.mask)[..., None]
    target[:] = np.clip(target + weight * (fish - target) + 0.5, 0, 255).astype(np.uint8)
    return np.array([x, y, x + width, y + height], np.float32)


def visible_part(
    box: np.ndarray, mask: np.ndarray, corner: tuple[int, int], shape: tuple[int, ...]
) -> tuple[float, np.ndarray]:
    """What a mask laid over a picture leaves of a box: its visible share, and the box of that.

    Args:
        box: (4,) float32 x1, y1, x2, y2.
        mask: (h, w) bool, placed with its upper left pixel at ``corner``.
        corner: x, y.
        shape: of the picture.

    Returns:
        The share of the box's pixels that are not under the mask, and the box (4,) cut back where
        whole columns or rows at its sides are covered; equal to ``box`` where none are.
    """
    x1, y1, x2, y2 = pixel_box(box, shape)
    free = np.ones((y2 - y1, x2 - x1), bool)
    left, top = max(x1, corner[0]), max(y1, corner[1])
    right = min(x2, corner[0] + mask.shape[1])
    bottom = min(y2, corner[1] + mask.shape[0])
    if left >= right or top >= bottom:
        return 1.0, box
    own = mask[top - corner[1] : bottom - corner[1], left - corner[0] : right - corner[0]]
    free[top - y1 : bottom - y1, left - x1 : right - x1] &= ~own
    if not free.any():
        return 0.0, box
    columns, rows = np.flatnonzero(free.any(0)), np.flatnonzero(free.any(1))
    low = np.maximum(box[:2], [x1 + columns[0], y1 + rows[0]])
    high = np.minimum(box[2:], [x1 + columns[-1] + 1, y1 + rows[-1] + 1])
    return float(free.mean()), np.concatenate([low, high]).astype(np.float32)


def _grabcut(image: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray | None:
    """The fish in ``box`` (h, w) bool; None where the picture ends too close around the box."""
    x1, y1, x2, y2 = box
    margin = max(3, round(0.2 * max(x2 - x1, y2 - y1)))
    left, top = max(0, x1 - margin), max(0, y1 - margin)
    crop = image[top : y2 + margin, left : x2 + margin]
    scale = min(1.0, WORKING / max(crop.shape[:2]))
    small = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    rect = [round(v * scale) for v in (x1 - left, y1 - top, x2 - x1, y2 - y1)]
    if min(rect[2:]) < 4 or rect[2] * rect[3] > 0.9 * small.shape[0] * small.shape[1]:
        return None
    labels = np.zeros(small.shape[:2], np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)  # GrabCut's k-means draws from it
    cv2.grabCut(small, labels, rect, *models, ROUNDS, cv2.GC_INIT_WITH_RECT)
    fish = (labels & 1).astype(np.float32)  # sure and probable foreground are odd
    size = crop.shape[1], crop.shape[0]
    grown = cv2.resize(fish, size, interpolation=cv2.INTER_LINEAR) > 0.5
    return _largest(grown[y1 - top : y2 - top, x1 - left : x2 - left])


def _largest(mask: np.ndarray) -> np.ndarray:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count < 2:
        return mask
    return labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))


def _plausible(mask: np.ndarray) -> bool:
    extents = mask.any(1).mean(), mask.any(0).mean()
    return MIN_AREA <= mask.mean() <= MAX_AREA and min(extents) >= MIN_EXTENT


def _trimmed(patch: np.ndarray, mask: np.ndarray, around: np.ndarray) -> Cutout:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return Cutout(np.ascontiguousarray(patch[window]), np.ascontiguousarray(mask[window]), around)
