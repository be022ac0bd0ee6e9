"""The sea floor in perspective, and rocks."""

from __future__ import annotations

import cv2
import numpy as np

from .curves import noise, smoothstep
from .layers import Layer
from .plans import bgr
from .water import Medium

_ROCK_COLOURS = ("#6d675b", "#57554f", "#7b7264", "#4c5350", "#6a5a4c")
_GROWTH = ("#5d6b35", "#8a4a5c", "#7d6a3a", "#3f5f52", "#a07a4a")


def sand(
    canvas: np.ndarray, medium: Medium, colour: str, horizon: int, rng: np.random.Generator
) -> None:
    """Paint the floor below row ``horizon`` of ``canvas`` (H, W, 3), in place."""
    height, width = canvas.shape[:2]
    if horizon >= height - 2:
        return
    t = (np.arange(horizon, height) - horizon + 1.0) / height
    far = (0.09 / (t + 0.09)).astype(np.float32)  # 1 at the horizon, small at our feet
    x = (np.arange(width, dtype=np.float32) / width - 0.5)[None]
    tile = noise(rng, (256, 256), (24, 24), 3)
    across = 128 + x * far[:, None] * 1100
    along = np.broadcast_to((far * 420)[:, None] + rng.uniform(0, 255), across.shape)
    grain = cv2.remap(tile, across.astype(np.float32), along.astype(np.float32), cv2.INTER_LINEAR,
                      borderMode=cv2.BORDER_WRAP)  # fmt: skip
    bumps = noise(rng, across.shape, (5, 7), 2)
    ripples = np.sin(
        far[:, None] * rng.uniform(120, 200) + 2.2 * bumps + 5 * x * rng.uniform(-1, 1)
    )
    relief = (0.09 * grain + rng.uniform(0.02, 0.07) * ripples) * (1 - 0.8 * far[:, None])
    shade = 1 + relief + 0.08 * bumps
    rows = slice(horizon, height)
    floor = bgr(colour) * rng.uniform(0.95, 1.3) * shade[..., None]
    floor = floor * medium.light[rows] * medium.caustic[rows][..., None]
    arrives = np.exp(-medium.loss * (far[:, None] * 1.7))[:, None, :]
    floor = floor * arrives + medium.image[rows] * (1 - arrives)
    edge = smoothstep(0, 0.09, t[:, None] + 0.025 * bumps)[..., None]
    canvas[rows] += edge * (floor.astype(np.float32) - canvas[rows])


def rock(
    rng: np.random.Generator, x: float, y: float, width: float, height: float, distance: float
) -> Layer:
    """A rock standing on (x, y), its size in output pixels."""
    shape = max(8, int(height * 1.15)), max(8, int(width * 1.15))
    rows = np.linspace(1.15, -0.72, shape[0], dtype=np.float32)[:, None]
    columns = np.linspace(-1.15, 1.15, shape[1], dtype=np.float32)[None]
    angle = np.arctan2(rows, columns)
    wobble = sum(
        rng.uniform(-1, 1) * 0.17 / order**0.7 * np.sin(order * angle + rng.uniform(0, 6.3))
        for order in (1, 2, 3, 5, 8)
    )
    outline = np.asarray(0.92 + wobble)
    outline *= min(1.0, 1.1 / float(outline.max()))  # within the patch
    radius = np.hypot(rows, columns) / outline
    texture = noise(rng, shape, (3, 4), 4)
    bulge = np.sqrt(np.clip(1.05 - radius**2, 0, 1)) + 0.34 * texture
    slope = np.gradient(bulge, axis=0) * shape[0]
    light = np.clip(0.66 + 0.16 * slope + 0.1 * texture, 0.24, 1.35)
    colour = bgr(str(rng.choice(_ROCK_COLOURS))) * rng.uniform(0.8, 1.2)
    growth = smoothstep(0.1, 0.7, noise(rng, shape, (4, 5), 2)) * rng.uniform(0.2, 0.9)
    colour = colour + growth[..., None] * (bgr(str(rng.choice(_GROWTH))) - colour)
    coverage = np.clip((1 - radius) * min(shape) * 0.42 + 0.5, 0, 1)
    coverage *= np.clip((rows + 0.72) * 6, 0, 1)  # the foot sinks into the sand
    patch = np.empty((*shape, 4), np.float32)
    patch[..., :3] = colour * light[..., None] * coverage[..., None]
    patch[..., 3] = coverage
    return Layer(patch, (int(x - shape[1] / 2), int(y - shape[0] * 0.94)), distance)


def reef(rng: np.random.Generator, shape: tuple[int, int], horizon: int) -> Layer:
    """A far ridge of broken rock along the horizon, over the whole width."""
    height, width = shape
    line = noise(rng, (1, width), (2, rng.uniform(3, 5)), 5)[0]
    line += 0.3 * np.abs(noise(rng, (1, width), (2, 14), 3)[0])
    slope = np.linspace(rng.uniform(-0.7, 0.7), rng.uniform(-0.7, 0.7), width)
    rise = height * (0.035 + 0.055 * line + 0.2 * np.clip(slope, 0, 1) ** 1.5)
    first = max(0, int(horizon - rise.max()) - 2)
    rows = np.arange(first, min(height, int(horizon + 0.05 * height)), dtype=np.float32)[:, None]
    depth = rows - (horizon - rise[None])
    foot = horizon + height * (0.022 + 0.02 * noise(rng, (1, width), (2, 9), 3))
    coverage = np.clip(depth + 0.5, 0, 1) * smoothstep(0.012 * height, -0.012 * height, rows - foot)
    texture = noise(rng, depth.shape, (len(rows) / 13, 22), 4)
    light = np.clip(0.95 - depth / height * 2.2 + 0.42 * texture, 0.25, 1.3)
    growth = smoothstep(0.0, 0.6, noise(rng, depth.shape, (len(rows) / 16, 16), 3))[..., None]
    colour = bgr(str(rng.choice(_ROCK_COLOURS)))
    colour = colour + 0.7 * growth * (bgr(str(rng.choice(_GROWTH))) - colour)
    patch = np.empty((*depth.shape, 4), np.float32)
    patch[..., :3] = colour * light[..., None] * coverage[..., None]
    patch[..., 3] = coverage
    return Layer(patch, (0, first), float(rng.uniform(0.75, 1.2)))
