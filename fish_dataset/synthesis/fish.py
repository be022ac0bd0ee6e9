"""One fish as a straight texture: fins, body colour, marks, shading, eye, with its own opacity."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .anatomy import MARGIN, Frame, fill, fin_outline, frame, stroke
from .curves import noise, rounded
from .marks import mask, paint
from .plans import BodyPlan, Fin, Spots, bgr


@dataclass(frozen=True)
class Texture:
    """Pixels (H, W, 4) float32, BGR premultiplied by the opacity beside it; geometry in pixels."""

    pixels: np.ndarray
    length: float
    midline: float
    margin: int = MARGIN


@lru_cache(maxsize=256)
def _shade_table(plan: BodyPlan) -> np.ndarray:
    """Lit body colour at 256 places of v from -1 to 1: counter-shading, roundness, sheen."""
    v = np.linspace(-1, 1, 256)
    stops = [place for place, _ in plan.shades]
    colours = np.stack([bgr(colour) for _, colour in plan.shades])
    table = np.stack([np.interp(v, stops, colours[:, channel]) for channel in range(3)], 1)
    facing = np.sqrt(np.clip(1 - v**2, 0, 1))
    upwards = np.clip(0.5 - v * 0.5, 0, 1)
    light = 0.62 + 0.3 * facing + 0.2 * upwards
    table *= (1 + plan.roundness * (light - 1))[:, None]
    sheen = np.exp(-(((v + 0.22) / 0.2) ** 2)) + 0.45 * np.exp(-(((v - 0.3) / 0.3) ** 2))
    table += (plan.gloss * 0.26 * sheen)[:, None] * (1.15 - table)
    return table.astype(np.float32)


def _over(below: np.ndarray, colour: np.ndarray, opacity: np.ndarray) -> None:
    """Lay ``colour`` with ``opacity`` (H, W) over premultiplied ``below`` (H, W, 4), in place."""
    opacity = opacity[..., None]
    below *= 1 - opacity
    below[..., :3] += colour * opacity
    below[..., 3:] += opacity


def _draw_fin(pixels: np.ndarray, plan: BodyPlan, fin: Fin, where: Frame, depth: float) -> None:
    polygon = fin_outline(plan, fin) * (1, depth)
    window, opacity = fill(where, polygon)
    u, h = where.u[window[1]], where.h[window[0], None]
    root = polygon[:, 0].min()
    if fin.edge == "free":  # rays of the tail and the pectorals spread from their root
        rays = np.sin(h / np.maximum(u - root + 0.05, 0.02) * 42)
    else:
        rays = np.sin((u - 0.9 * np.abs(h)) * np.float32(6.283 * 48))
    colour = np.broadcast_to(bgr(fin.colour), (*opacity.shape, 3))
    if fin.tip:
        out = np.clip((u - root) / np.ptp(polygon[:, 0]), 0, 1)[None, :, None]
        colour = colour + out**2 * (bgr(fin.tip) - colour)
    shaded = (colour * (0.92 + 0.12 * rays)[..., None]).astype(np.float32)
    _over(pixels[window], shaded, opacity * np.float32(fin.opacity))


def _head(colour: np.ndarray, plan: BodyPlan, where: Frame) -> None:
    """Gill cover, mouth and a darker rim, on ``colour`` in place."""
    if plan.gill is not None:
        behind = where.u - plan.gill + 0.045 * where.v**2
        width = max(0.006, 0.9 / where.length)
        line = np.exp(-((behind / width) ** 2)) * (np.abs(where.v) < 0.86)
        cover = np.clip(1 + behind / 0.035, 0, 1) * (behind < 0)
        colour *= (1 - 0.42 * line - 0.08 * cover)[..., None]
    if plan.mouth:
        line = stroke(where, rounded(np.array(plan.mouth)), 0.007)
        colour *= 1 - 0.6 * line[..., None]


def _eye(pixels: np.ndarray, plan: BodyPlan, where: Frame, depth: float) -> None:
    for u, h, radius in plan.eyes:
        size = max(radius * where.length, 1.3)
        centre, reach = np.array([u, h * depth]), 1.3 * size / where.length
        window = where.window(centre - reach, centre + reach)
        x = (where.u[window[1]] - u) * where.length
        y = (where.h[window[0], None] - h * depth) * where.length
        far, glint = np.hypot(x, y), np.hypot(x + size * 0.22, y + size * 0.25)
        eye = pixels[window]
        _over(eye, bgr(plan.iris) * 0.45, np.clip(size * 1.18 - far + 0.5, 0, 1) * 0.8)
        _over(eye, bgr(plan.iris), np.clip(size - far + 0.5, 0, 1))
        _over(eye, bgr("#0b0d10"), np.clip(size * 0.62 - far + 0.5, 0, 1))
        _over(eye, bgr("#ffffff"), np.clip(size * 0.24 - glint + 0.5, 0, 1) * 0.9)


def _body_colour(plan: BodyPlan, where: Frame, rng: np.random.Generator) -> np.ndarray:
    grain = noise(rng, where.shape, (3, 9))
    place = np.clip((where.v + 0.07 * grain + 1) * 127.5, 0, 255).astype(np.uint8)
    colour = _shade_table(plan)[place]
    if where.length > 70:  # scales, and their glitter on silvery fish
        across = np.sin(where.h * 6.283 * 60)[:, None]
        scales = np.sin(where.u * 6.283 * 52 + 1.6 * np.sign(across)) * across
        colour *= (1 + (0.025 + 0.05 * plan.gloss) * scales)[..., None]
    for mark in plan.marks:
        if not (isinstance(mark, Spots) and mark.on_fins):
            paint(colour, mark, where, rng)
    _head(colour, plan, where)
    return colour


def draw_texture(plan: BodyPlan, length: float, rng: np.random.Generator) -> Texture:
    """An individual of ``plan``, ``length`` pixels long, straight and looking to the left."""
    depth = float(rng.uniform(0.93, 1.08))
    where = frame(plan, length, depth)
    pixels = np.zeros((*where.shape, 4), np.float32)
    for fin in plan.fins:
        if not fin.front:
            _draw_fin(pixels, plan, fin, where, depth)
    _over(pixels, _body_colour(plan, where, rng), where.body)
    for mark in plan.marks:
        if isinstance(mark, Spots) and mark.on_fins:
            opacity = mask(mark, where, rng) * pixels[..., 3] * mark.strength
            pixels[..., :3] += opacity[..., None] * (
                bgr(mark.colour) * pixels[..., 3:] - pixels[..., :3]
            )
    for fin in plan.fins:
        if fin.front:
            _draw_fin(pixels, plan, fin, where, depth)
    _eye(pixels, plan, where, depth)
    pixels[..., :3] *= (rng.uniform(0.86, 1.1) * rng.uniform(0.96, 1.04, 3)).astype(np.float32)
    return Texture(pixels, where.length, where.midline)
