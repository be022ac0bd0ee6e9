"""The place of a scene without its fish: water, floor, rocks and plants."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from . import water as waters
from .layers import Layer
from .plants import plant
from .terrain import reef, rock, sand
from .water import Medium, Water

PAN = 0.12  # how far the camera moves within a scene group, as a part of the picture


@dataclass(frozen=True)
class Setting:
    """A canvas larger than the pictures that are taken of it, and what stands in it."""

    water: Water
    medium: Medium
    backdrop: np.ndarray  # (H, W, 3) float32: water and floor
    layers: tuple[Layer, ...]
    horizon: int | None  # row where the floor begins, None in open water
    unit: float  # output pixels per pixel of a 256 px picture

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the canvas."""
        return self.backdrop.shape[0], self.backdrop.shape[1]

    def floor_row(self, distance: float) -> float | None:
        """Row at which things at ``distance`` stand on the floor, None in open water."""
        if self.horizon is None:
            return None
        return _floor_row(self.horizon, self.shape[0], distance)

    def view(self, x: int, y: int, size: int) -> Setting:
        """The square of ``size`` pixels with its corner at (x, y), as a setting of its own."""
        rows, columns = slice(y, y + size), slice(x, x + size)
        medium = replace(
            self.medium,
            image=self.medium.image[rows, columns],
            light=self.medium.light[rows],
            caustic=self.medium.caustic[rows, columns],
        )
        layers = tuple(layer.moved(-x, -y) for layer in self.layers)
        horizon = None if self.horizon is None else self.horizon - y
        return Setting(self.water, medium, self.backdrop[rows, columns], layers, horizon, self.unit)


def _floor_row(horizon: int, height: int, distance: float) -> float:
    """The perspective of :func:`terrain.sand`, solved for the row."""
    return horizon + height * (0.153 / max(distance, 0.05) - 0.09)


def _rocks(
    rng: np.random.Generator, shape: tuple[int, int], horizon: int, unit: float
) -> list[Layer]:
    height, width = shape
    stones = []
    for _ in range(rng.poisson(2.2)):
        distance = float(rng.uniform(0.3, 0.95))
        size = unit * rng.uniform(28, 95) * (1.3 - distance)
        row = min(_floor_row(horizon, height, distance), height * 1.02)
        stones.append(
            rock(rng, rng.uniform(0, width), row, size * rng.uniform(1.1, 2.0), size, distance)
        )
    return stones


def _plants(
    rng: np.random.Generator, shape: tuple[int, int], horizon: int | None, unit: float, many: float
) -> list[Layer]:
    height, width = shape
    grown = []
    clump = rng.uniform(0, width)
    for _ in range(min(rng.poisson((3.4 if horizon is not None else 0.7) * many), 9)):
        distance = float(rng.uniform(0.06, 0.95))
        tall = unit * rng.uniform(26, 80) * (1.25 - distance)
        row = height * 1.03
        if horizon is not None:
            row = min(_floor_row(horizon, height, distance), row)
        x = rng.normal(clump, width * 0.16) if rng.random() < 0.5 else rng.uniform(0, width)
        grown.append(plant(rng, x, row, tall, distance))
    return grown


def build_setting(seeds: np.random.SeedSequence, size: int) -> Setting:
    """The place that ``seeds`` describe, for square pictures of ``size`` pixels."""
    rng = np.random.Generator(np.random.PCG64(seeds))
    unit = size / 256
    side = size + round(size * PAN)
    shape = side, side
    water = waters.choose(rng)
    medium = waters.medium(water, rng, shape, unit)
    horizon = int(side * rng.uniform(0.52, 0.86)) if rng.random() < 0.74 else None
    canvas = medium.image.copy()
    layers: list[Layer] = []
    if horizon is not None:
        sand(canvas, medium, water.floor, horizon, rng)
        if rng.random() < 0.55:
            layers.append(reef(rng, shape, horizon))
        layers += _rocks(rng, shape, horizon, unit)
    layers += _plants(rng, shape, horizon, unit, water.plants)
    return Setting(water, medium, canvas, tuple(layers), horizon, unit)
