"""Where a body plan's parts lie in its straight texture: coordinates, outline and fin masks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from .curves import monotone_curve, rounded
from .plans import BodyPlan, Fin, Points

MARGIN = 3  # pixels around the body, so that interpolation finds nothing at the border
_SHIFT = 4
Window = tuple[slice, slice]


@dataclass(frozen=True)
class Frame:
    """The coordinates of a texture: ``u`` (W,), ``h`` (H,), ``v`` (H, W), coverage (H, W)."""

    length: float
    midline: float  # pixel row of h = 0
    u: np.ndarray
    h: np.ndarray
    v: np.ndarray
    body: np.ndarray
    top: np.ndarray  # (W,) body lengths
    bottom: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the texture."""
        return self.v.shape  # type: ignore[return-value]

    def window(self, low: np.ndarray, high: np.ndarray) -> Window:
        """Rows and columns that hold the rectangle between two (u, h) corners, and a pixel more."""
        origin = np.array([MARGIN, self.midline])
        first = np.floor(low * self.length + origin).astype(int) - 2
        last = np.ceil(high * self.length + origin).astype(int) + 2
        (left, top), (right, bottom) = np.maximum(first, 0).tolist(), last.tolist()
        rows, columns = self.shape
        return slice(min(top, rows), max(min(bottom, rows), 0)), slice(left, max(right, 0))

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """(u, h) points (N, 2) as fixed-point pixel coordinates for OpenCV's ``shift``."""
        xy = points * self.length + (MARGIN - 0.5, self.midline - 0.5)
        return np.round(xy * (1 << _SHIFT)).astype(np.int32)


def profile(points: Points, u: np.ndarray) -> np.ndarray:
    """Height of an outline at ``u``; interpolated over the root of u, which rounds the snout."""
    curve = monotone_curve([(x**0.5, y) for x, y in points], np.sqrt(np.clip(u, 0, 1)))
    return np.where((u < 0) | (u > 1), 0, np.maximum(curve, 0))


def _fin_reach(plan: BodyPlan, edge: str) -> float:
    sign, outline = (-1, plan.top) if edge == "top" else (1, plan.bottom)
    reach = max(y for _, y in outline)
    for fin in plan.fins:
        for u, y in fin.points:
            if fin.edge == edge:
                reach = max(reach, float(profile(outline, np.array(u))) + y)
            elif fin.edge == "free":
                reach = max(reach, sign * y)
    return reach


@lru_cache(maxsize=256)
def extents(plan: BodyPlan) -> tuple[float, float]:
    """How far the drawing reaches above and below the midline, fins included, in body lengths."""
    return _fin_reach(plan, "top"), _fin_reach(plan, "bottom")


def frame(plan: BodyPlan, length: float, depth: float = 1.0) -> Frame:
    """Coordinates of a texture for ``length`` pixels, ``depth`` times as deep as usual."""
    up, down = (value * depth for value in extents(plan))
    midline = MARGIN + up * length
    shape = int(np.ceil(midline + down * length)) + MARGIN, int(np.ceil(length)) + 2 * MARGIN
    u = ((np.arange(shape[1]) + 0.5 - MARGIN) / length).astype(np.float32)
    h = ((np.arange(shape[0]) + 0.5 - midline) / length).astype(np.float32)
    top = (profile(plan.top, u) * depth).astype(np.float32)
    bottom = (profile(plan.bottom, u) * depth).astype(np.float32)
    rows = h[:, None]
    body = np.clip(np.minimum(rows + top, bottom - rows) * np.float32(length) + 0.5, 0, 1)
    body *= (top > 0) & (bottom > 0)
    half = np.where(rows < 0, top, bottom)
    v = np.clip(rows / np.maximum(half, 1e-3), -1.5, 1.5)
    return Frame(length, midline, u, h, v, body, top, bottom)


@lru_cache(maxsize=2048)
def fin_outline(plan: BodyPlan, fin: Fin) -> np.ndarray:
    """The fin as a closed polygon (N, 2) of (u, h)."""
    points = np.array(fin.points, np.float64)
    if fin.edge == "free":
        return rounded(points, 1)
    points = rounded(points)
    sign, outline = (-1, plan.top) if fin.edge == "top" else (1, plan.bottom)
    base = np.linspace(points[-1, 0], points[0, 0], 12)
    root = np.stack([base, sign * (profile(outline, base) - 0.012)], 1)
    if fin.spiny:
        u = np.linspace(points[0, 0], points[-1, 0], 33)
        order = np.argsort(points[:, 0], kind="stable")
        height = np.interp(u, points[order, 0], points[order, 1])
        points = np.stack([u, height * (1 - fin.spiny * (np.arange(33) % 2))], 1)
    edge = sign * (profile(outline, points[:, 0]) + points[:, 1])
    return np.concatenate([np.stack([points[:, 0], edge], 1), root])


def fill(where: Frame, polygon: np.ndarray) -> tuple[Window, np.ndarray]:
    """The window a polygon of (u, h) points lies in, and its coverage there, float32."""
    window = where.window(polygon.min(0), polygon.max(0))
    mask = np.zeros(where.v[window].shape, np.uint8)
    corner = np.array([window[1].start, window[0].start]) << _SHIFT
    cv2.fillPoly(
        mask, [(where.pixels(polygon) - corner).astype(np.int32)], 255, cv2.LINE_AA, _SHIFT
    )
    return window, mask.astype(np.float32) / 255


def stroke(where: Frame, line: np.ndarray, width: float) -> np.ndarray:
    """Coverage (H, W) float32 of an open line of (u, h) points, ``width`` in body lengths."""
    pixels = width * where.length
    mask = np.zeros(where.shape, np.uint8)
    thickness = max(1, round(pixels))
    cv2.polylines(mask, [where.pixels(line)], False, 255, thickness, cv2.LINE_AA, _SHIFT)
    return mask.astype(np.float32) * (min(1.0, pixels / thickness) / 255)


def discs(where: Frame, centres: np.ndarray, radii: np.ndarray, ring: bool = False) -> np.ndarray:
    """Coverage (H, W) float32 of discs or rings at (u, h) ``centres``, radii in body lengths."""
    mask = np.zeros(where.shape, np.uint8)
    sizes = np.round(radii * where.length * (1 << _SHIFT)).astype(int)
    thickness = max(1, round(float(radii.mean()) * where.length * 0.55)) if ring else -1
    for (x, y), size in zip(where.pixels(centres).tolist(), sizes.tolist(), strict=True):
        cv2.circle(mask, (x, y), max(size, 1), 255, thickness, cv2.LINE_AA, _SHIFT)
    return mask.astype(np.float32) / 255
