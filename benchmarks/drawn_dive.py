"""A video of the drawn fish, swimming, of which it is known who is in which frame."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fish_dataset.synthesis.casts import BUILTIN
from fish_dataset.synthesis.fish import Texture, draw_texture
from fish_dataset.synthesis.layers import Layer, annotate, composite
from fish_dataset.synthesis.particles import develop
from fish_dataset.synthesis.plans import BodyPlan
from fish_dataset.synthesis.pose import OVERSAMPLING, Pose, warp
from fish_dataset.synthesis.setting import Setting, build_setting

SIZE, FPS, FRAMES = 320, 25.0, 500
STROKE = 0.35  # radians of the swimming wave a frame


@dataclass(frozen=True)
class Swimmer:
    """A fish that swims straight, wholly inside the picture, from frame ``first`` to ``last``.

    Attributes:
        species: a name of the drawn cast.
        first, last: frames, both included.
        start, end: (x, y) of its middle in these frames, as parts of the picture.
        length: in pixels of a picture of 256.
        distance: 0 near, 1 far.
    """

    species: str
    first: int
    last: int
    start: tuple[float, float]
    end: tuple[float, float]
    length: float
    distance: float = 0.25


# To be counted by hand, frames of 1/25 s:
#   rock bream    0-199 and 100-299: two in 100-199, so MaxN 2, 300 frames, 12 s
#   red seabream  150-349, 200-399, 250-449: three in 250-349, so MaxN 3, 300 frames, 12 s
#   eel           380-499: MaxN 1, 120 frames, 4.8 s
# Nobody is in view before frame 0 and after 499; no two ever cover one another, and
# nobody begins where another has just left: a tracker would go on with the old number and name.
SWIMMERS = (
    Swimmer("rock bream", 0, 199, (0.2, 0.2), (0.8, 0.25), 62),
    Swimmer("rock bream", 100, 299, (0.8, 0.42), (0.2, 0.44), 56),
    Swimmer("red seabream", 150, 349, (0.2, 0.8), (0.75, 0.8), 60),
    Swimmer("red seabream", 200, 399, (0.2, 0.2), (0.8, 0.25), 64),
    Swimmer("red seabream", 250, 449, (0.3, 0.62), (0.8, 0.64), 56),
    Swimmer("eel", 380, 499, (0.3, 0.82), (0.75, 0.8), 110),
)


@dataclass(frozen=True)
class Truth:
    """Who is in one frame.

    Attributes:
        species: names of the fish of which at least 35 % is seen (the rule of the drawn set).
        bboxes: of them, xywh in pixels.
        swimmers: their numbers in ``SWIMMERS``.
    """

    species: list[str]
    bboxes: list[tuple[float, float, float, float]]
    swimmers: list[int]


def dive(seed: int = 5, frames: int = FRAMES) -> Iterator[tuple[np.ndarray, Truth]]:
    """Yield each frame, uint8 BGR (SIZE, SIZE, 3), and who is in it; equal seeds, equal frames."""
    seeds = np.random.SeedSequence(seed).spawn(3)
    setting = build_setting(seeds[0], SIZE).view(0, 0, SIZE)
    rng = np.random.default_rng(seeds[1])
    textures = [_texture(one, setting.unit, rng) for one in SWIMMERS]
    for index in range(frames):
        fish = {
            number: _layer(one, texture, index, setting)
            for number, (one, texture) in enumerate(zip(SWIMMERS, textures, strict=True))
            if one.first <= index <= one.last
        }
        canvas = setting.backdrop.copy()
        layers = [*setting.layers, *fish.values()]
        for layer in sorted(layers, key=lambda item: -item.distance):
            composite(canvas, layer, setting.medium)
        number_of = {id(layer): number for number, layer in fish.items()}
        seen = annotate(layers, setting.shape, setting.unit)
        swimmers = [number_of[id(layer)] for layer, _ in seen]
        names = [SWIMMERS[number].species for number in swimmers]
        exposure = np.random.default_rng(seeds[2])  # one camera: the same light in every frame
        yield develop(canvas, exposure), Truth(names, [one.bbox for _, one in seen], swimmers)


def write_dive(path: Path, frames: int = FRAMES, seed: int = 5) -> list[Truth]:
    """Write the video (MPEG-4 part 2) and return the truth of each frame."""
    partly = path.with_name(f".{path.name}")
    writer = cv2.VideoWriter(str(partly), cv2.VideoWriter.fourcc(*"mp4v"), FPS, (SIZE, SIZE))
    truth = []
    for image, one in dive(seed, frames):
        writer.write(image)
        truth.append(one)
    writer.release()
    os.replace(partly, path)
    return truth


def _plan(one: Swimmer) -> BodyPlan:
    return BUILTIN.plans[BUILTIN.classes.index(one.species)]


def _texture(one: Swimmer, unit: float, rng: np.random.Generator) -> Texture:
    return draw_texture(_plan(one), max(40.0, OVERSAMPLING * one.length * unit), rng)


def _layer(one: Swimmer, texture: Texture, index: int, setting: Setting) -> Layer:
    part = (index - one.first) / (one.last - one.first)
    at = np.array(one.start) + part * (np.array(one.end) - np.array(one.start))
    x, y = at * setting.shape[::-1]
    plan = _plan(one)
    right = one.end[0] > one.start[0]
    pose = Pose(one.length * setting.unit, right, bend=0.6 * plan.bend, phase=-STROKE * index)
    patch, offset = warp(plan, texture, pose, (float(x % 1), float(y % 1)))
    corner = int(x) + offset[0], int(y) + offset[1]
    return Layer(patch, corner, one.distance, BUILTIN.classes.index(one.species))
