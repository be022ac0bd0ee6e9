"""The marks of a body plan, each as an opacity mask over its texture."""

from __future__ import annotations

from functools import singledispatch

import numpy as np

from .anatomy import Frame, discs, stroke
from .curves import monotone_curve, noise, smoothstep
from .plans import Bars, Blotch, Line, Mark, Mottle, Spots, bgr


@singledispatch
def mask(mark: Mark, where: Frame, rng: np.random.Generator) -> np.ndarray:
    """Opacity (H, W) float32, 0 to 1, of a mark on the texture with the coordinates ``where``."""
    raise TypeError(f"no drawing for a mark of type {type(mark).__name__}")


def _within(v: np.ndarray, reach: tuple[float, float], soft: float = 0.1) -> np.ndarray:
    low, high = reach
    return smoothstep(low - soft, low + soft, v) * smoothstep(high + soft, high - soft, v)


@mask.register
def _bars(mark: Bars, where: Frame, rng: np.random.Generator) -> np.ndarray:
    start, stop = mark.span
    spacing = (stop - start) / max(mark.count - 1, 1)
    along = (where.u + mark.slant * where.v - start) / spacing
    index = np.clip(np.round(along), 0, mark.count - 1).astype(np.int16)
    along = along - rng.normal(0, 0.07, mark.count).astype(np.float32)[index]
    reach = mark.reach
    lower: np.ndarray = np.full(1, reach[1], np.float32)
    if mark.wave:
        phase = rng.uniform(0, 6.3, mark.count).astype(np.float32)[index]
        along = along + mark.wave * 0.45 * np.sin(where.v * 7 + phase)
        lower = lower + rng.uniform(-0.12, 0.14, mark.count).astype(np.float32)[index]
    apart = np.abs(along - index)
    width = mark.width * rng.uniform(0.85, 1.15) / 2
    soft = max(0.12, 0.7 / (spacing * where.length))
    bars = np.clip((width - apart) / soft + 0.5, 0, 1)
    return bars * smoothstep(0.08, -0.08, where.v - lower) * (where.v > reach[0])


@mask.register
def _spots(mark: Spots, where: Frame, rng: np.random.Generator) -> np.ndarray:
    count = max(1, round(mark.count * rng.uniform(0.8, 1.2)))
    u = rng.uniform(*mark.span, count)
    v = rng.uniform(*mark.reach, count)
    column = np.clip((u * where.length + 3).astype(int), 0, len(where.u) - 1)
    half = np.where(v < 0, where.top[column], where.bottom[column])
    # On the tail there is no body to measure by: v then runs over the drawing's own height.
    h = v * (abs(where.h[0]) * 0.9 if mark.on_fins else half)
    radii = mark.radius * rng.uniform(0.65, 1.35, count)
    return discs(where, np.stack([u, h], 1), radii, mark.ring)


@mask.register
def _blotch(mark: Blotch, where: Frame, rng: np.random.Generator) -> np.ndarray:
    half = where.top if mark.v < 0 else where.bottom
    h = mark.v * np.interp(mark.u, where.u, half)
    radius = max(mark.radius, 1.6 / where.length)
    far = ((where.u - mark.u) ** 2 + ((where.h - h) ** 2)[:, None]) / radius**2
    return smoothstep(1.5, 0.5, far)


@mask.register
def _line(mark: Line, where: Frame, rng: np.random.Generator) -> np.ndarray:
    return stroke(
        where, _line_points(mark, where, mark.points[0][0], mark.points[-1][0]), mark.width
    )


def _line_points(mark: Line, where: Frame, start: float, stop: float) -> np.ndarray:
    u = np.linspace(start, stop, 40)
    v = monotone_curve(mark.points, u)
    half = np.where(v < 0, np.interp(u, where.u, where.top), np.interp(u, where.u, where.bottom))
    return np.stack([u, v * half], 1)


@mask.register
def _mottle(mark: Mottle, where: Frame, rng: np.random.Generator) -> np.ndarray:
    rows = max(2.0, mark.cells * where.shape[0] / where.shape[1])
    patches = noise(rng, where.shape, (rows, mark.cells))
    return smoothstep(0.0, 0.7, patches) * _within(where.v, mark.reach)


def paint(colour: np.ndarray, mark: Mark, where: Frame, rng: np.random.Generator) -> None:
    """Paint ``mark`` onto ``colour`` (H, W, 3) float32 BGR, in place."""
    opacity = (mask(mark, where, rng) * np.float32(mark.strength))[..., None]
    colour += opacity * (bgr(mark.colour) - colour)
    if isinstance(mark, Line) and mark.scutes:
        line = _line_points(mark, where, *mark.scutes)
        plates = stroke(where, line, mark.width * 1.9)
        plates *= 0.72 + 0.28 * np.sin(where.u * 6.283 * 38)
        colour += plates[..., None] * np.float32(0.75) * (bgr(mark.scute_colour) - colour)
