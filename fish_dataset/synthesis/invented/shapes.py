"""Seven outlines with their fins: one for each invented family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..plans import Fin, Points
from ..species import fan, forked

Outline = tuple[Points, Points]


@dataclass(frozen=True)
class Shape:
    """A family's body: outline, and its fins in given colours (fin, tail)."""

    outline: Outline
    fins: Callable[[str, str], tuple[Fin, ...]]
    eye: tuple[float, float, float]
    gill: float
    length: tuple[float, float]
    bend: float = 0.35


def body(height: float, depth: float, thickest: float = 0.36, stalk: float = 0.03) -> Outline:
    """Return back and belly: ``height`` and ``depth`` in body lengths, greatest at ``thickest``."""
    parts = ((0.0, 0.0), (0.06, 0.25), (0.25, 0.62), (0.6, 0.92), (1.0, 1.0))

    def half(most: float) -> Points:
        front = tuple((thickest * u, most * part) for u, part in parts)
        behind = ((0.3, 0.9), (0.62, 0.5), (0.85, 0.2))
        back = tuple(
            (thickest + (0.88 - thickest) * u, max(most * part, stalk)) for u, part in behind
        )
        return (*front, *back, (0.885, stalk), (0.9, 0.0))

    return half(height), half(depth)


def make_fins(
    top: Points, bottom: Points, tail: Points, side: float = 0.25, spiny: float = 0.0
) -> Callable[[str, str], tuple[Fin, ...]]:
    """Return what makes fins in two colours: back, belly, tail, and pectoral at ``side``."""

    def made(fin: str, end: str) -> tuple[Fin, ...]:
        pectoral = ((side, 0.03), (side + 0.05, 0.02), (side + 0.12, 0.05), (side + 0.1, 0.075),
                    (side + 0.01, 0.055))  # fmt: skip
        return (
            Fin("top", top, fin, 0.82, spiny=spiny),
            Fin("bottom", bottom, fin, 0.8),
            Fin("free", pectoral, fin, 0.7, front=True),
            Fin("free", tail, end, 0.88),
        )

    return made


SPINDLE = Shape(
    body(0.095, 0.1),
    make_fins(((0.34, 0), (0.37, 0.06), (0.44, 0.02), (0.47, 0)),
          ((0.6, 0), (0.63, 0.04), (0.7, 0.01), (0.72, 0)), forked(0.88, 0.03, 0.11, 0.92)),
    (0.08, -0.015, 0.017), 0.2, (46, 160),
)  # fmt: skip
DISC = Shape(
    body(0.27, 0.25, 0.4, 0.045),
    make_fins(((0.25, 0), (0.34, 0.07), (0.6, 0.09), (0.74, 0.06), (0.78, 0)),
          ((0.5, 0), (0.6, 0.08), (0.72, 0.06), (0.76, 0)), fan(0.87, 0.045, 0.12), 0.3, 0.1),
    (0.11, -0.05, 0.024), 0.25, (40, 130), 0.25,
)  # fmt: skip
LANCE = Shape(
    body(0.05, 0.055, 0.4, 0.016),
    make_fins(((0.62, 0), (0.65, 0.05), (0.76, 0.012), (0.8, 0)),
          ((0.62, 0), (0.65, 0.05), (0.76, 0.012), (0.8, 0)), forked(0.88, 0.016, 0.07, 0.93), 0.2),
    (0.09, -0.01, 0.012), 0.16, (64, 190), 0.5,
)  # fmt: skip
HUMPED = Shape(
    body(0.21, 0.14, 0.26, 0.035),
    make_fins(((0.22, 0), (0.28, 0.07), (0.42, 0.05), (0.66, 0.05), (0.7, 0)),
          ((0.56, 0), (0.6, 0.06), (0.68, 0.03), (0.7, 0)), forked(0.87, 0.035, 0.13, 0.91), 0.24,
          0.2),
    (0.1, -0.04, 0.022), 0.23, (44, 145),
)  # fmt: skip
ROUND_TAIL = Shape(
    body(0.13, 0.12, 0.32, 0.05),
    make_fins(((0.24, 0), (0.3, 0.05), (0.7, 0.06), (0.8, 0.05), (0.82, 0)),
          ((0.5, 0), (0.56, 0.05), (0.78, 0.05), (0.8, 0)), fan(0.87, 0.05, 0.085), 0.24),
    (0.09, -0.02, 0.019), 0.21, (44, 150),
)  # fmt: skip
SAIL = Shape(
    body(0.12, 0.13, 0.38),
    make_fins(((0.16, 0), (0.22, 0.19), (0.4, 0.17), (0.64, 0.1), (0.72, 0)),
          ((0.58, 0), (0.62, 0.06), (0.7, 0.02), (0.72, 0)), forked(0.88, 0.03, 0.12, 0.94)),
    (0.085, -0.02, 0.018), 0.2, (46, 150),
)  # fmt: skip
KEELED = Shape(
    body(0.09, 0.23, 0.42),
    make_fins(((0.4, 0), (0.46, 0.05), (0.7, 0.03), (0.76, 0)),
          ((0.46, 0), (0.52, 0.06), (0.72, 0.06), (0.78, 0)), forked(0.87, 0.03, 0.1, 0.91), 0.23),
    (0.09, 0.0, 0.021), 0.22, (42, 140),
)  # fmt: skip
