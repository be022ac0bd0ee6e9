"""Layers of a scene: compositing by distance, visibility, and the rule for what is annotated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .water import Medium

MIN_VISIBLE = 0.35  # of the fish's own drawn area
MIN_AREA = 40.0  # visible pixels at a picture size of 256, scaled with the picture's area
MIN_CONTRAST = 0.055  # mean over the fish of the largest channel difference to what is behind it


@dataclass(frozen=True)
class Layer:
    """One thing in the scene: premultiplied BGR + opacity (h, w, 4) with its corner (x, y)."""

    patch: np.ndarray
    corner: tuple[int, int]
    distance: float  # 0 near, 1 far
    label: int = -1  # index of the class; -1: no fish

    def moved(self, x: int, y: int) -> Layer:
        """The same layer, shifted by whole pixels."""
        corner = self.corner[0] + x, self.corner[1] + y
        return Layer(self.patch, corner, self.distance, self.label)

    def overlap(self, shape: tuple[int, ...]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Slices of an (H, W) canvas and of the patch where the two meet (empty where never)."""
        canvas, own = [], []
        for start, length, limit in zip(
            self.corner[::-1], self.patch.shape[:2], shape[:2], strict=True
        ):
            first, last = min(max(start, 0), limit), max(min(start + length, limit), 0)
            last = max(first, last)
            canvas.append(slice(first, last))
            own.append(slice(first - start, last - start))
        return (canvas[0], canvas[1]), (own[0], own[1])


@dataclass(frozen=True)
class Visible:
    """What one fish shows: mask (H, W) bool, tight box xywh in pixels, and the rule's measures."""

    mask: np.ndarray
    bbox: tuple[float, float, float, float]
    area: int
    fraction: float  # of the fish's own drawn area, parts outside the picture counted as hidden


def solid(patch: np.ndarray) -> np.ndarray:
    """Pixels (h, w) bool that belong to the thing: opacity over one half."""
    return patch[..., 3] > 0.5


def look(layer: Layer, medium: Medium) -> np.ndarray:
    """The layer's patch inside the canvas as the camera sees it: lit, veiled and blurred."""
    canvas, own = layer.overlap(medium.image.shape)
    patch = layer.patch
    sigma = medium.blur * layer.distance
    if sigma > 0.25:
        patch = cv2.GaussianBlur(patch, (0, 0), sigma)
    patch = patch[own].copy()
    arrives = medium.transmission(layer.distance)
    veil = medium.image[canvas] * (patch[..., 3:] * (1 - arrives))
    patch[..., :3] *= medium.light[canvas[0]] * medium.caustic[canvas][..., None] * arrives
    patch[..., :3] += veil
    return patch


def composite(canvas: np.ndarray, layer: Layer, medium: Medium) -> None:
    """Lay the layer over ``canvas`` (H, W, 3), in place."""
    at, _ = layer.overlap(canvas.shape)
    if not canvas[at].size:
        return
    patch = look(layer, medium)
    canvas[at] = canvas[at] * (1 - patch[..., 3:]) + patch[..., :3]


def contrast(canvas: np.ndarray, layer: Layer, medium: Medium) -> float:
    """Mean over the layer's pixels of the largest channel difference to the canvas behind it."""
    at, own = layer.overlap(canvas.shape)
    inside = solid(layer.patch[own])
    if not inside.any():
        return 0.0
    patch = look(layer, medium)[inside]
    behind = canvas[at][inside]
    difference = patch[:, :3] + behind * (1 - patch[:, 3:]) - behind
    return float(np.abs(difference).max(1).mean())


def visibility(layer: Layer, hidden: np.ndarray) -> Visible | None:
    """What of ``layer`` shows beside what nearer things hide, (H, W) bool; None: nothing."""
    at, own = layer.overlap(hidden.shape)
    drawn = solid(layer.patch)
    shown = drawn[own] & ~hidden[at]
    area = int(np.count_nonzero(shown))
    if not area:
        return None
    mask = np.zeros(hidden.shape, bool)
    mask[at] = shown
    rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    x, y = at[1].start + columns[0], at[0].start + rows[0]
    width, height = columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
    bbox = float(x), float(y), float(width), float(height)
    return Visible(mask, bbox, area, area / int(np.count_nonzero(drawn)))


def counts(visible: Visible | None, unit: float) -> bool:
    """The rule: enough of the fish shows, as a part of it and in pixels.

    ``unit`` is output pixels per pixel of a 256 px picture. Contrast, the rule's third part, is
    asked where a fish is placed (:data:`MIN_CONTRAST`), since it needs what is behind it.
    """
    if visible is None:
        return False
    return visible.fraction >= MIN_VISIBLE and visible.area >= MIN_AREA * unit**2


def annotate(
    layers: Sequence[Layer], shape: tuple[int, int], unit: float
) -> list[tuple[Layer, Visible]]:
    """Every fish among ``layers`` that the rule keeps, with what shows of it, nearest first.

    A fish that the rule leaves out hides nothing: it is not to be drawn.
    """
    hidden = np.zeros(shape, bool)
    found = []
    for layer in sorted(layers, key=lambda item: item.distance):
        if layer.label >= 0:
            visible = visibility(layer, hidden)
            if visible is None or not counts(visible, unit):
                continue
            found.append((layer, visible))
        at, own = layer.overlap(shape)
        hidden[at] |= solid(layer.patch[own])
    return found
