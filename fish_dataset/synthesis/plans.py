"""The body plan of a fish as plain data: outline, fins, colours and marks.

Lengths are in body lengths: ``u`` runs from the snout (0) to the tip of the tail (1), ``h`` from
the midline downwards. ``v`` is the place across the body: -1 at the back, 0 at the midline, 1 at
the belly. The fish looks to the left. Colours are ``#rrggbb``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Fin:
    """A fin: ``points`` are (u, height above the body's edge) or, where free, (u, h)."""

    edge: str  # 'top', 'bottom' or 'free'
    points: Points
    colour: str
    opacity: float = 0.8
    front: bool = False  # drawn over the body (pectoral fins)
    spiny: float = 0.0  # depth of the notches between spines, as a part of the fin's height
    tip: str | None = None  # colour towards the fin's outer margin


@dataclass(frozen=True)
class Bars:
    """Bands across the body, evenly spaced over ``span``; ``wave`` bends each its own way."""

    count: int
    span: tuple[float, float]
    colour: str
    width: float = 0.5  # part of the spacing
    reach: tuple[float, float] = (-1.1, 1.1)  # in v
    strength: float = 0.8
    wave: float = 0.0
    slant: float = 0.0


@dataclass(frozen=True)
class Spots:
    """Round spots scattered at random over a part of the body (and its fins, if ``on_fins``)."""

    count: int
    span: tuple[float, float]
    reach: tuple[float, float]
    colour: str
    radius: float = 0.008
    strength: float = 0.8
    on_fins: bool = False
    ring: bool = False


@dataclass(frozen=True)
class Blotch:
    """One soft spot at a fixed place."""

    u: float
    v: float
    radius: float
    colour: str
    strength: float = 0.85


@dataclass(frozen=True)
class Line:
    """A line along the body through (u, v) points; ``scutes``: the part drawn as keeled plates."""

    points: Points
    colour: str
    width: float = 0.004
    strength: float = 0.5
    scutes: tuple[float, float] | None = None
    scute_colour: str = "#dfe3c8"


@dataclass(frozen=True)
class Mottle:
    """Irregular patches from smooth noise with ``cells`` cells along the body."""

    colour: str
    cells: int = 10
    strength: float = 0.5
    reach: tuple[float, float] = (-1.1, 1.1)


Mark = Bars | Spots | Blotch | Line | Mottle


@dataclass(frozen=True)
class BodyPlan:
    """Everything that is needed to draw one kind of fish (or a fish-shaped thing)."""

    name: str
    top: Points  # (u, height of the back over the midline)
    bottom: Points  # (u, depth of the belly under the midline)
    shades: tuple[tuple[float, str], ...]  # (v, colour), from back to belly
    fins: tuple[Fin, ...] = ()
    marks: tuple[Mark, ...] = ()
    eyes: tuple[tuple[float, float, float], ...] = ()  # (u, h, radius)
    iris: str = "#d8d2a8"
    mouth: Points = ()
    gill: float | None = None  # u of the gill cover's hind edge
    gloss: float = 0.3  # silvery sheen
    roundness: float = 1.0  # 0: flat shading, 1: a cylinder's
    bend: float = 0.35  # largest change of heading along the body, radians
    waves: float = 0.7  # swimming waves along the body
    stiff: float = 1.8  # how far the bending keeps to the tail
    length: tuple[float, float] = (30.0, 140.0)  # usual length in pixels of a 256 px picture
    flat: bool = False  # lies on its side on the sea floor
    schooling: float = 1.0  # how readily it swims in schools
    weight: float = 1.0  # how often it swims alone


def bgr(colour: str) -> np.ndarray:
    """``#rrggbb`` as three float32 in BGR order, 0 to 1."""
    value = int(colour[1:], 16)
    return np.array([value & 255, value >> 8 & 255, value >> 16 & 255], np.float32) / 255
