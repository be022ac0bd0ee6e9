"""Water: its colours by depth, the veil that distance draws over things, rays and caustics."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .curves import noise, smoothstep
from .plans import bgr


@dataclass(frozen=True)
class Water:
    """A kind of water, named as the ``site`` of its pictures."""

    site: str
    surface: str  # colour of the water looking up
    middle: str
    deep: str
    loss: tuple[float, float, float]  # attenuation of red, green, blue over the scene's depth
    veil: tuple[float, float]  # turbidity: range of the factor on ``loss``
    particles: float  # amount of marine snow
    rays: float
    floor: str  # colour of the sea floor
    plants: float
    weight: float = 1.0


WATERS: tuple[Water, ...] = (
    Water("clear_reef", "#8fe3ee", "#2a9dc4", "#0c4f86", (1.9, 0.75, 0.5), (0.5, 0.85), 0.5, 0.5,
          "#cfc39a", 0.8, 1.2),
    Water("open_coast", "#7fd3d8", "#227f9f", "#0a3a5e", (2.0, 0.85, 0.7), (0.6, 1.0), 0.8, 0.45,
          "#a99f80", 0.9, 1.2),
    Water("kelp_bay", "#a4d9a8", "#3a8f84", "#10443f", (2.0, 0.8, 1.1), (0.6, 1.05), 1.0, 0.5,
          "#8c8560", 1.7, 1.1),
    Water("green_estuary", "#b9cf8a", "#67935c", "#2a4a2e", (1.6, 0.9, 1.7), (0.7, 1.1), 1.5, 0.25,
          "#8d7f58", 1.1, 0.9),
    Water("murky_harbour", "#b4bb97", "#7d8f75", "#42534a", (1.7, 1.3, 1.6), (0.8, 1.15), 2.2, 0.1,
          "#7c7359", 0.6, 0.7),
    Water("deep_slope", "#4f9fc0", "#1a6190", "#05203f", (2.1, 0.95, 0.65), (0.6, 1.0), 1.0, 0.3,
          "#6e7683", 0.3, 0.9),
)  # fmt: skip


@dataclass(frozen=True)
class Medium:
    """The water of one scene, over its whole canvas (all float32)."""

    image: np.ndarray  # (H, W, 3): water alone, also the colour of the veil
    light: np.ndarray  # (H, 1, 3): colour and amount of light by depth
    caustic: np.ndarray  # (H, W): dancing light from the surface, mean about 1
    loss: np.ndarray  # (3,) BGR
    blur: float  # output pixels of blur at the far end

    def transmission(self, distance: float) -> np.ndarray:
        """Part of an object's light, (3,) BGR, that arrives from ``distance`` (0 near, 1 far)."""
        return np.exp(-self.loss * np.float32(distance))


def choose(rng: np.random.Generator) -> Water:
    """One of :data:`WATERS`, by weight."""
    weights = np.array([water.weight for water in WATERS])
    return WATERS[int(rng.choice(len(WATERS), p=weights / weights.sum()))]


def _gradient(water: Water, rng: np.random.Generator, height: int) -> np.ndarray:
    y = np.linspace(0, 1, height)
    up = rng.uniform(-0.35, 0.12)  # how much of the bright surface the camera sees
    stops = np.array([up, up + rng.uniform(0.35, 0.6), rng.uniform(0.95, 1.3)])
    colours = np.stack([bgr(colour) for colour in (water.surface, water.middle, water.deep)])
    rows = np.stack([np.interp(y, stops, colours[:, channel]) for channel in range(3)], 1)
    shift = rng.uniform(0.93, 1.07, 3) * rng.uniform(0.88, 1.12)
    return (rows * shift)[:, None, :].astype(np.float32)


def _rays(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Beams of light from a point above the picture, fading downwards; (H, W), 0 to about 1."""
    height, width = shape
    x = np.linspace(-0.5, 0.5, 96)[None] - rng.uniform(-0.5, 0.5)
    y = np.linspace(0, 1, 96)[:, None]
    angle = np.arctan2(x, y + rng.uniform(0.5, 1.2))
    beams = noise(rng, (1, 512), (2, rng.uniform(26, 46)), 3)[0]
    beams = np.interp(angle, np.linspace(-1.2, 1.2, 512), np.clip(beams, 0, 1))
    soft = (beams * np.clip(1 - y / rng.uniform(0.5, 1.0), 0, 1)).astype(np.float32)
    return cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)


def _caustics(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """A net of bright lines where two noises cross zero; (H, W), about 0 to 1."""
    size = max(shape)
    ways = noise(rng, (size, size), (9, 9), 2), noise(rng, (size, size), (13, 13), 1)
    net = np.exp(-np.abs(ways[0]) * 7) + 0.6 * np.exp(-np.abs(ways[1]) * 8)
    return net[: shape[0], : shape[1]]


def caustic_light(
    rng: np.random.Generator, shape: tuple[int, int], strength: float | np.floating
) -> np.ndarray:
    """Factor on the light, (H, W), mean about 1: a dancing net that fades towards the bottom."""
    y = np.linspace(0, 1, shape[0], dtype=np.float32)[:, None]
    net = np.minimum(_caustics(rng, shape) - 0.3, 0.75)  # crossings would bleach what they meet
    return 1 + strength * net * smoothstep(1.3, 0.2, y)


def medium(water: Water, rng: np.random.Generator, shape: tuple[int, int], unit: float) -> Medium:
    """The water of a scene of ``shape`` (H, W); ``unit`` is output pixels per pixel of 256."""
    rows = _gradient(water, rng, shape[0])
    x = np.linspace(-1, 1, shape[1]) - rng.uniform(-0.8, 0.8)
    across = (1.04 - 0.16 * x**2).astype(np.float32)[None, :, None]
    image = rows * across * (1 + 0.035 * noise(rng, shape, (4, 4)))[..., None]
    glow = _rays(rng, shape) * np.float32(water.rays * rng.uniform(0.3, 1.1))
    image += glow[..., None] * (bgr(water.surface) * 0.55 + 0.25) * 0.55
    strength = float(rng.uniform(*water.veil))
    y = np.linspace(0, 1, shape[0], dtype=np.float32)[:, None, None]
    tint = rows.mean(0)[0] / rows.mean()
    light = (1.14 - 0.42 * y) * (0.72 + 0.28 * tint) * rng.uniform(0.86, 1.08)
    caustic = caustic_light(rng, shape, np.float32(rng.uniform(0.15, 1.0) * water.rays))
    loss = np.array(water.loss[::-1], np.float32) * strength
    blur = float(unit * 0.75 * strength * float(np.mean(water.loss)))
    return Medium(np.clip(image, 0, 1), light.astype(np.float32), caustic, loss, blur)
