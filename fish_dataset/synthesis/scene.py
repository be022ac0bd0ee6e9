"""A picture from a seed: the cast placed into a setting, drawn back to front, boxes from masks.

A fish that would show too little (see :mod:`layers`) is moved, and after some tries not drawn at
all: so every fish that is in a picture has its box.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .cast import Actor, choose_cast
from .casts import BUILTIN, Cast
from .layers import MIN_CONTRAST, Layer, annotate, composite, contrast, counts, solid, visibility
from .particles import bubbles, develop, snow
from .pose import draw_fish
from .setting import Setting, build_setting

_TRIES = 8


class Scene(NamedTuple):
    """One picture: uint8 (H, W, 3) BGR; per fish box (N, 4) xywh, label (N,), mask (N, H, W)."""

    image: np.ndarray
    bboxes: np.ndarray
    labels: np.ndarray
    masks: np.ndarray


def _spots(actor: Actor, setting: Setting, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Centres to try, in pixels: the intended one, then others further and further around it."""
    height, width = setting.shape
    floor = setting.floor_row(actor.distance) if actor.lying else None
    centres = []
    for attempt in range(_TRIES):
        apart = rng.normal(0, 1, 2) * actor.spread * attempt / 4
        x, y = (actor.place + apart) * (width, height)
        if floor is not None:
            y = min(floor + apart[1] * 0.1 * height, 0.97 * height)
        centres.append((float(x), float(y)))
    return centres


def _place(
    actor: Actor, setting: Setting, hidden: np.ndarray, rng: np.random.Generator
) -> Layer | None:
    """The actor as a layer where enough of it shows beside what is ``hidden``, None: nowhere."""
    patch, offset = draw_fish(actor.plan, actor.pose, rng)
    wanted = float(rng.uniform(0.4, 1.0))
    distance = actor.distance
    for x, y in _spots(actor, setting, rng):
        layer = Layer(patch, (int(x) + offset[0], int(y) + offset[1]), distance, actor.label)
        if actor.label < 0:
            return layer
        visible = visibility(layer, hidden)
        if visible is None or not counts(visible, setting.unit) or visible.fraction < wanted:
            wanted *= 0.93
        elif contrast(setting.backdrop, layer, setting.medium) < MIN_CONTRAST * 1.3:
            distance *= 0.7  # closer, and so clearer
        else:
            return layer
    return None


def _place_all(setting: Setting, cast: list[Actor], rng: np.random.Generator) -> list[Layer]:
    """Layers of the cast, nearest first, each beside what hides it."""
    standing = sorted(setting.layers, key=lambda layer: layer.distance)
    hidden = np.zeros(setting.shape, bool)
    placed = []
    for actor in sorted(cast, key=lambda item: item.distance):
        while standing and standing[0].distance < actor.distance:
            _hide(hidden, standing.pop(0))
        layer = _place(actor, setting, hidden, rng)
        if layer is not None:
            placed.append(layer)
            _hide(hidden, layer)
    return placed


def _hide(hidden: np.ndarray, layer: Layer) -> None:
    at, own = layer.overlap(hidden.shape)
    hidden[at] |= solid(layer.patch[own])


def draw_in(
    setting: Setting, seeds: np.random.SeedSequence, size: int, species: Cast = BUILTIN
) -> Scene:
    """One picture of ``size`` pixels taken in ``setting``; equal seeds give equal pictures."""
    rng = np.random.Generator(np.random.PCG64(seeds))
    room = setting.shape[0] - size
    x, y = rng.integers(0, room + 1, 2).tolist()
    view = setting.view(x, y, size)
    cast = choose_cast(view.unit, view.horizon is not None, rng, species)
    layers = [*view.layers, *_place_all(view, cast, rng)]
    found = annotate(layers, view.shape, view.unit)
    drawn = [layer for layer in layers if layer.label < 0] + [layer for layer, _ in found]
    canvas = view.backdrop.copy()
    for layer in sorted(drawn, key=lambda item: -item.distance):
        composite(canvas, layer, view.medium)
    if rng.random() < 0.3:
        bubbles(canvas, view.unit, rng)
    snow(canvas, view.medium, view.water.particles * rng.uniform(0.3, 1.6), view.unit, rng)
    found.sort(key=lambda pair: pair[1].bbox)
    return Scene(
        develop(canvas, rng),
        np.array([visible.bbox for _, visible in found], np.float32).reshape(-1, 4),
        np.array([layer.label for layer, _ in found], np.int64),
        np.array([visible.mask for _, visible in found], bool).reshape(-1, size, size),
    )


def draw_scene(
    seeds: np.random.SeedSequence, size: int = 256, *, group: np.random.SeedSequence | None = None
) -> Scene:
    """Picture, boxes, labels (into CLASSES) and masks for ``seeds``.

    ``group`` seeds the setting, so that pictures may share one; without it each has its own.
    """
    if group is None:
        group = np.random.SeedSequence(seeds.entropy, spawn_key=(*seeds.spawn_key, 1))
    return draw_in(build_setting(group, size), seeds, size)
