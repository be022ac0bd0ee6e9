"""Seaweed: kelp with leaves, ribbons of seagrass, bushy tufts."""

from __future__ import annotations

import cv2
import numpy as np

from .layers import Layer
from .plans import bgr

_SCALE = 2
_SHIFT = 4
_GREENS = ("#5f7a2c", "#7b7a2a", "#4a6a35", "#6b5a24", "#39603f", "#8a6a2c")
_REDS = ("#8a3f45", "#7a4a5a", "#94563a")
Stroke = tuple[np.ndarray, np.ndarray]  # polygon (N, 2), colour (3,) BGR


def _stem(rng: np.random.Generator, base: np.ndarray, height: float, lean: float) -> np.ndarray:
    """Points (24, 2) of a swaying line from ``base`` upwards."""
    t = np.linspace(0, 1, 24)
    sway = lean * t**1.4 + rng.uniform(0.02, 0.09) * np.sin(
        t * rng.uniform(3, 9) + rng.uniform(0, 6)
    )
    sway -= sway[0]
    return base + np.stack([sway * height, -t * height], 1)


def _ribbon(line: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Closed polygon around a line (N, 2) with ``widths`` (N,)."""
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.hypot(*along.T)[:, None], 1e-6)
    side = np.stack([-along[:, 1], along[:, 0]], 1) * widths[:, None] / 2
    return np.concatenate([line + side, (line - side)[::-1]])


def _blade(
    line: np.ndarray, width: float, colour: np.ndarray, rng: np.random.Generator
) -> list[Stroke]:
    """A blade, its lighter half and its midrib."""
    t = np.linspace(0, 1, len(line))
    widths = width * np.clip(np.sin(np.pi * t**0.7) * 1.1, 0.08, 1)
    colour = colour * rng.uniform(0.75, 1.2)
    half = line + np.array([widths * 0.2, np.zeros(len(line))]).T
    return [
        (_ribbon(line, widths), colour * 0.85),
        (_ribbon(half, widths * 0.5), colour * 1.12),
        (_ribbon(line, np.maximum(widths * 0.08, 0.3)), colour * 1.3),
    ]


def _kelp(rng: np.random.Generator, height: float, colour: np.ndarray) -> list[Stroke]:
    lean = rng.uniform(-0.35, 0.35)
    stem = _stem(rng, np.zeros(2), height, lean)
    strokes = []
    for index in range(2, len(stem)):
        side = 1 if index % 2 else -1
        length = height * rng.uniform(0.14, 0.22)
        t = np.linspace(0, 1, 10)[:, None]
        out = np.array([side * rng.uniform(0.7, 1.0), -rng.uniform(0.1, 0.7)]) * length
        droop = np.array([lean * 0.5, rng.uniform(0.0, 0.5)]) * length
        strokes += _blade(stem[index] + out * t + droop * t**2, length * 0.26, colour, rng)
    widths = np.linspace(height * 0.03, height * 0.012, len(stem))
    return [*strokes, (_ribbon(stem, widths), colour * 0.8)]


def _grass(rng: np.random.Generator, height: float, colour: np.ndarray) -> list[Stroke]:
    strokes = []
    for _ in range(int(rng.integers(6, 13))):
        base = np.array([rng.normal(0, height * 0.12), 0.0])
        line = _stem(rng, base, height * rng.uniform(0.5, 1.0), rng.normal(0, 0.35))
        widths = np.linspace(1, 0.1, len(line)) * height * rng.uniform(0.04, 0.07)
        shade = colour * rng.uniform(0.65, 1.25)
        strokes += [(_ribbon(line, widths), shade), (_ribbon(line, widths * 0.35), shade * 1.2)]
    return strokes


def _bush(rng: np.random.Generator, height: float, colour: np.ndarray) -> list[Stroke]:
    strokes = []
    for _ in range(int(rng.integers(10, 18))):
        base = np.array([rng.normal(0, height * 0.1), 0.0])
        line = _stem(rng, base, height * rng.uniform(0.45, 1.0), rng.normal(0, 0.6))
        strokes += _blade(line, height * rng.uniform(0.12, 0.2), colour, rng)[:2]
    return strokes


_KINDS = (_kelp, _grass, _bush)


def plant(rng: np.random.Generator, x: float, y: float, height: float, distance: float) -> Layer:
    """A plant rooted at (x, y), ``height`` output pixels tall."""
    kind = int(rng.choice(3, p=(0.35, 0.4, 0.25)))
    reds = kind == 2 and rng.random() < 0.5
    colour = bgr(str(rng.choice(_REDS if reds else _GREENS))) * rng.uniform(0.75, 1.1)
    strokes = _KINDS[kind](rng, height * (1.6 if kind == 0 else 1.0), colour)
    corners = np.concatenate([polygon for polygon, _ in strokes])
    low = np.floor(corners.min(0)).astype(int) - 1
    size = np.ceil(corners.max(0)).astype(int) + 1 - low
    picture = np.zeros((*(size[::-1] * _SCALE).tolist(), 4), np.uint8)
    for polygon, shade in strokes:
        pixels = np.round(((polygon - low) * _SCALE - 0.5) * (1 << _SHIFT)).astype(np.int32)
        ink = (*np.clip(shade * 255, 0, 255).tolist(), 255)
        # Blending onto transparent black leaves the colours premultiplied, as layers are.
        cv2.fillPoly(picture, [pixels], ink, cv2.LINE_AA, _SHIFT)
    patch = (
        cv2.resize(picture, size.tolist(), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    )
    patch[..., :3] *= np.linspace(1.1, 0.6, len(patch), dtype=np.float32)[:, None, None]
    return Layer(patch, (int(x + low[0]), int(y + low[1])), distance)
