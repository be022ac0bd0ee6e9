"""What floats before the lens: bubbles and marine snow; and what the camera adds."""

from __future__ import annotations

import cv2
import numpy as np

from .water import Medium

_SHIFT = 4


def _disc(
    mask: np.ndarray, x: float, y: float, radius: float, value: float, thickness: int = -1
) -> None:
    centre = round(x * (1 << _SHIFT)), round(y * (1 << _SHIFT))
    size = max(1, round(radius * (1 << _SHIFT)))
    cv2.circle(mask, centre, size, value, thickness, cv2.LINE_AA, _SHIFT)


def snow_opacity(
    shape: tuple[int, int], amount: float, unit: float, rng: np.random.Generator
) -> np.ndarray:
    """How much particles hide, (H, W, 1) float32 up to 0.9: many fine ones, a few out of focus.

    ``amount`` 1 is about 42 fine and 4 soft ones; ``unit`` is output pixels per pixel of 256.
    """
    height, width = shape
    fine: np.ndarray = np.zeros((height, width), np.float32)
    soft: np.ndarray = np.zeros((height, width), np.uint8)
    many = rng.poisson(42 * amount)
    fine[rng.integers(0, height, many), rng.integers(0, width, many)] = rng.gamma(2.0, 0.5, many)
    fine = cv2.GaussianBlur(np.minimum(fine, 3), (0, 0), 0.55 * unit) * unit**2
    for _ in range(rng.poisson(4 * amount)):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        _disc(soft, x, y, unit * rng.uniform(1.5, 4.5), float(rng.uniform(25, 60)))
    soft = cv2.GaussianBlur(soft, (0, 0), 1.3 * unit)
    return np.clip(np.maximum(fine, soft.astype(np.float32) / 255), 0, 0.9)[..., None]


def lay_snow(canvas: np.ndarray, water: np.ndarray, opacity: np.ndarray) -> None:
    """Lay particles, lit by ``water`` (H, W, 3), over ``canvas`` (H, W, 3), in place; 0 to 1."""
    canvas += opacity * (np.clip(water * 1.1 + 0.28, 0, 1) - canvas)


def snow(
    canvas: np.ndarray, medium: Medium, amount: float, unit: float, rng: np.random.Generator
) -> None:
    """Scatter lit particles over ``canvas``, in place."""
    opacity = snow_opacity((canvas.shape[0], canvas.shape[1]), amount, unit, rng)
    lay_snow(canvas, medium.image, opacity)


def bubbles(canvas: np.ndarray, unit: float, rng: np.random.Generator) -> None:
    """One to three rising chains of bubbles, in place: bright rim, dark inside, a glint."""
    height, width = canvas.shape[:2]
    mask = np.zeros((height * 2, width * 2), np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        x, y = rng.uniform(0, width), rng.uniform(0.4, 1.1) * height
        for _ in range(int(rng.integers(4, 16))):
            radius = 2 * unit * float(rng.gamma(3.0, 0.62))
            place = 2 * (x + unit * rng.normal(0, 4)), 2 * y
            _disc(mask, *place, radius, 60.0)
            _disc(mask, *place, radius, 190.0, 1)
            _disc(mask, place[0] - 0.35 * radius, place[1] - 0.4 * radius, 0.25 * radius, 250.0)
            y -= unit * rng.uniform(4, 22)
    opacity = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
    opacity = opacity.astype(np.float32)[..., None] * np.float32(0.8 / 255)
    canvas += opacity * (np.float32(0.94) - canvas)


def develop(canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The camera's part: vignette, exposure, sensor noise; (H, W, 3) float32 to uint8."""
    height, width = canvas.shape[:2]
    x, y = np.linspace(-1, 1, width) ** 2, np.linspace(-1, 1, height) ** 2
    falloff = (1 - rng.uniform(0.04, 0.14) * (x + y[:, None])).astype(np.float32)
    picture = canvas * (falloff * np.float32(rng.uniform(0.92, 1.1)))[..., None]
    grain = rng.standard_normal((height, width), np.float32) * np.float32(rng.uniform(0.003, 0.011))
    picture += grain[..., None]
    return np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
