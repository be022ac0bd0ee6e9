"""Smooth curves and smooth noise, the two things that everything here is drawn from."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np


def monotone_curve(points: Sequence[tuple[float, float]], x: np.ndarray) -> np.ndarray:
    """Piecewise cubic through ``points`` without overshoot, at ``x`` (any shape); ends held.

    Slopes are harmonic means of neighbouring secants, zero at extrema (Fritsch and Butland 1984).
    """
    px, py = np.asarray(points, np.float64).T
    step, secant = np.diff(px), np.diff(py) / np.diff(px)
    left, right = secant[:-1], secant[1:]
    same = left * right > 0
    middle = np.where(same, 2 * left * right / np.where(same, left + right, 1), 0)
    slope = np.concatenate([secant[:1], middle, secant[-1:]])
    x = np.clip(x, px[0], px[-1])
    at = np.clip(np.searchsorted(px, x, side="right") - 1, 0, len(step) - 1)
    t, width = (x - px[at]) / step[at], step[at]
    rest = 1 - t
    return (
        rest**2 * (1 + 2 * t) * py[at] + t**2 * (3 - 2 * t) * py[at + 1]
        + width * t * rest * (rest * slope[at] - t * slope[at + 1])
    )  # fmt: skip


def rounded(points: np.ndarray, rounds: int = 2) -> np.ndarray:
    """Corner cutting (Chaikin 1974) of an open line (N, 2); the end points stay."""
    for _ in range(rounds):
        near, far = points[:-1], points[1:]
        cut = np.stack([0.75 * near + 0.25 * far, 0.25 * near + 0.75 * far], 1).reshape(-1, 2)
        points = np.concatenate([points[:1], cut[1:-1], points[-1:]])
    return points


def noise(
    rng: np.random.Generator, shape: tuple[int, int], cells: tuple[float, float], octaves: int = 2
) -> np.ndarray:
    """Smooth noise (H, W) float32, about -1 to 1; first octave of ``cells`` (rows, columns)."""
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        rows, columns = (max(2, round(count * 2**octave)) for count in cells)
        grid = rng.uniform(-1, 1, (rows, columns)).astype(np.float32)
        grown = cv2.resize(grid, shape[::-1], interpolation=cv2.INTER_CUBIC)
        total += grown * 0.5**octave
    return total


def smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """0 below ``low``, 1 above ``high``, an S between; ``low`` may be the larger one."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
