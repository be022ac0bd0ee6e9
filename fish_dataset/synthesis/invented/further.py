"""Further invented species from a seed: for training alone, so that a network meets many.

As the twenty-eight: a family is a body, a genus its colours, and two species of a genus differ in
marks or in the tail's colour. Bodies, colours and marks are drawn by chance, none is copied from
the twenty-eight.
"""

from __future__ import annotations

import colorsys
from functools import lru_cache

import numpy as np

from ..plans import Bars, Blotch, BodyPlan, Line, Mark, Mottle, Points, Spots
from ..species import fan, forked
from .shapes import Shape, body, make_fins
from .table import Genus, plan_of

GENERA_A_FAMILY = 2
_SEED = 20_261_128  # of the species; that of the pictures is the set's own


@lru_cache(maxsize=4)
def further_genera(pairs: int) -> tuple[Genus, ...]:
    """Return as many genera of two species; a greater number begins with those of a smaller."""
    genera = []
    for index in range(pairs):
        family = index // GENERA_A_FAMILY
        shape = _shape(np.random.default_rng([_SEED, 0, family]))
        genera.append(_genus(np.random.default_rng([_SEED, 1, index]), index, family, shape))
    return tuple(genera)


@lru_cache(maxsize=4)
def further_species(pairs: int) -> tuple[BodyPlan, ...]:
    """Return the species of ``further_genera``, pair after pair."""
    return tuple(plan_of(genus, *one) for genus in further_genera(pairs) for one in genus.pair)


def _shape(rng: np.random.Generator) -> Shape:
    height = float(np.exp(rng.uniform(np.log(0.05), np.log(0.28))))
    depth = float(np.clip(height * rng.uniform(0.7, 1.5), 0.05, 0.27))
    thickest, stalk = float(rng.uniform(0.25, 0.45)), float(0.016 + 0.12 * (height + depth) / 2)
    first = float(rng.uniform(0.16, 0.5))
    top = _fin(rng, first, float(rng.uniform(first + 0.15, 0.82)), rng.uniform(0.04, 0.17))
    start = float(rng.uniform(0.44, 0.62))
    bottom = _fin(rng, start, float(rng.uniform(start + 0.1, 0.8)), rng.uniform(0.03, 0.09))
    span = float(rng.uniform(0.07, 0.14))
    tail = (
        forked(0.875, stalk, span, float(rng.uniform(0.9, 0.94)))
        if rng.random() < 0.6
        else fan(0.87, stalk, max(span * 0.9, stalk * 1.4))
    )
    gill = float(rng.uniform(0.17, 0.26))
    spiny = float(rng.choice([0.0, 0.1, 0.2]))
    eye = (float(rng.uniform(0.075, 0.115)), -0.17 * height, float(0.01 + 0.055 * height))
    small = float(60 - 75 * height)
    return Shape(
        body(height, depth, thickest, stalk),
        make_fins(top, bottom, tail, gill + 0.03, spiny),
        eye,
        gill,
        (small, 3.3 * small),
        float(rng.uniform(0.2, 0.5)),
    )


def _fin(rng: np.random.Generator, start: float, stop: float, height: float) -> Points:
    peak = start + (stop - start) * float(rng.uniform(0.1, 0.5))
    late = height * float(rng.uniform(0.2, 1.0))
    return ((start, 0.0), (peak, float(height)), (stop - 0.05, late), (stop, 0.0))


def _genus(rng: np.random.Generator, index: int, family: int, shape: Shape) -> Genus:
    hue, depth = float(rng.random()), float(rng.uniform(0.05, 0.75))
    value = float(rng.uniform(0.45, 0.9))
    shades = (
        _colour(hue, depth * 1.1, value * 0.55),
        _colour(hue, depth * 0.75, value),
        _colour(hue, depth * 0.25, min(1.0, value + 0.2)),
    )
    fin = _colour(hue, depth * 0.8, value * 0.75)
    first, second = rng.choice(len(_MARKS), 2, replace=False).tolist()
    pair = tuple(
        (word, *_MARKS[kind](rng, shape, fin, _ink(rng, value)))
        for word, kind in (("first", first), ("second", second))
    )
    shared: tuple[Mark, ...] = ()
    if rng.random() < 0.3:  # a mark that both have tells nothing of the pair
        shared = (Line(((0.14, 0.1), (0.5, 0.08), (0.88, 0.0)), _ink(rng, value), 0.006, 0.6),)
    name = f"further {index + 1:03d}"
    return Genus(f"kin {family + 1:03d}", shape, name, shades, fin, shared, pair)  # type: ignore[arg-type]


def _colour(hue: float, saturation: float, value: float) -> str:
    red, green, blue = colorsys.hsv_to_rgb(hue, min(saturation, 1.0), min(max(value, 0.0), 1.0))
    return f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"


def _ink(rng: np.random.Generator, value: float) -> str:
    """A colour that stands out from a body of brightness ``value``."""
    dark = rng.random() < (0.35 if value < 0.6 else 0.8)
    if dark:
        return _colour(
            float(rng.random()), float(rng.uniform(0, 0.8)), float(rng.uniform(0.06, 0.3))
        )
    return _colour(float(rng.random()), float(rng.uniform(0, 0.4)), float(rng.uniform(0.9, 1.0)))


_Marked = tuple[tuple[Mark, ...], str]


def _bars(rng: np.random.Generator, shape: Shape, fin: str, ink: str) -> _Marked:
    reach = (-1.1, float(rng.choice([0.1, 0.9])))
    width = float(rng.uniform(0.28, 0.5))
    return (Bars(int(rng.integers(2, 11)), (0.22, 0.84), ink, width, reach, 0.9),), fin


def _spots(rng: np.random.Generator, shape: Shape, fin: str, ink: str) -> _Marked:
    radius = float(rng.uniform(0.011, 0.024))
    count = int(np.clip(0.35 / radius * rng.uniform(0.7, 1.3), 8, 36))
    return (Spots(count, (0.24, 0.84), (-0.8, 0.7), ink, radius, 0.92),), fin


def _stripes(rng: np.random.Generator, shape: Shape, fin: str, ink: str) -> _Marked:
    places = rng.choice([-0.5, -0.25, 0.0, 0.25], int(rng.integers(1, 3)), replace=False)
    width = float(rng.uniform(0.018, 0.038))
    marks = [
        Line(((0.14, v), (0.5, v), (0.88, v * 0.3)), ink, width, 0.92) for v in places.tolist()
    ]
    return tuple(marks), fin


def _blotch(rng: np.random.Generator, shape: Shape, fin: str, ink: str) -> _Marked:
    u, v = float(rng.uniform(0.28, 0.82)), float(rng.uniform(-0.4, 0.2))
    return (Blotch(u, v, float(rng.uniform(0.04, 0.075)), ink, 0.95),), fin


def _mask(rng: np.random.Generator, shape: Shape, fin: str, ink: str) -> _Marked:
    width = float(rng.uniform(0.08, 0.14))
    return (Bars(1, (float(rng.uniform(0.1, 0.5)), 1.1), ink, width, (-1.1, 1.1), 0.95),), fin


def _clouds(rng: np.random.Generator, shape: Shape, fin: str, ink: str) -> _Marked:
    return (Mottle(ink, int(rng.integers(5, 11)), 0.8),), fin


def _plain(rng: np.random.Generator, shape: Shape, fin: str, ink: str) -> _Marked:
    return (), fin


def _tail(rng: np.random.Generator, shape: Shape, fin: str, ink: str) -> _Marked:
    if rng.random() < 0.4:
        return (), ink
    return (), _colour(float(rng.random()), 0.85, float(rng.uniform(0.7, 0.95)))


_MARKS = (_bars, _spots, _stripes, _blotch, _mask, _clouds, _plain, _tail)
