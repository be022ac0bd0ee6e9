"""The invented species: colours and pattern of a genus, and the one mark that parts its pair."""

from __future__ import annotations

from dataclasses import dataclass

from ..plans import Bars, Blotch, BodyPlan, Line, Mark, Mottle, Spots
from . import shapes
from .shapes import Shape


@dataclass(frozen=True)
class Genus:
    """Two species: ``name`` is the genus's; each species has a first name, marks and tail."""

    family: str
    shape: Shape
    name: str
    shades: tuple[str, str, str]  # back, side, belly
    fin: str
    shared: tuple[Mark, ...]
    pair: tuple[tuple[str, tuple[Mark, ...], str], tuple[str, tuple[Mark, ...], str]]


def _bars(count: int, colour: str, width: float = 0.45) -> Bars:
    return Bars(count, (0.22, 0.84), colour, width, (-1.1, 0.9), 0.9)


def _spots(count: int, colour: str, radius: float = 0.018) -> Spots:
    return Spots(count, (0.24, 0.84), (-0.8, 0.7), colour, radius, 0.92)


def _stripe(v: float, colour: str, width: float = 0.028) -> Line:
    return Line(((0.14, v), (0.5, v), (0.88, v * 0.3)), colour, width, 0.92)


_TAIL_EYE = Blotch(0.8, -0.1, 0.045, "#101214", 0.95)

GENERA: tuple[Genus, ...] = (
    Genus("dartlings", shapes.SPINDLE, "tinfin", ("#24506b", "#9fc0cc", "#eef2ee"), "#5f8796", (),
          (("barred", (_bars(7, "#0d2633"),), "#5f8796"),
           ("spotted", (_spots(16, "#0d2633"),), "#5f8796"))),
    Genus("dartlings", shapes.SPINDLE, "copperfin", ("#7a4a22", "#c98f4e", "#f2dfb8"), "#9a6a35",
          (), (("lined", (_stripe(-0.25, "#3a1f0c"),), "#9a6a35"),
               ("plain", (), "#9a6a35"))),
    Genus("platefish", shapes.DISC, "lantern", ("#c9a21e", "#ecd04a", "#f7ecae"), "#b08a12", (),
          (("belted", (_bars(3, "#1c1a10", 0.3),), "#b08a12"),
           ("netted", (_spots(26, "#5a3d06", 0.022),), "#b08a12"))),
    Genus("platefish", shapes.DISC, "moonplate", ("#8791a0", "#c3cad3", "#e9ecef"), "#5d6672", (),
          (("masked", (Bars(1, (0.1, 1.1), "#14171b", 0.085, (-1.1, 1.1), 0.95),), "#5d6672"),
           ("tailspot", (_TAIL_EYE,), "#5d6672"))),
    Genus("lances", shapes.LANCE, "reedlance", ("#3c5a2a", "#8fae62", "#e6eecb"), "#6d8a45", (),
          (("banded", (_bars(10, "#1d3010"),), "#6d8a45"),
           ("redtail", (), "#c7352b"))),
    Genus("lances", shapes.LANCE, "glasslance", ("#6b7d92", "#c6d3df", "#f3f6f8"), "#93a5b8", (),
          (("striped", (_stripe(-0.1, "#1e3f8a", 0.02),), "#93a5b8"),
           ("dotted", (_spots(14, "#28303c", 0.012),), "#93a5b8"))),
    Genus("humpbacks", shapes.HUMPED, "rosehump", ("#a83a4c", "#df7f83", "#f6d9d2"), "#c4575f", (),
          (("saddled", (Bars(2, (0.34, 0.66), "#4a1020", 0.4, (-1.1, 0.1), 0.9),), "#c4575f"),
           ("pearly", (_spots(24, "#fff3ee", 0.014),), "#c4575f"))),
    Genus("humpbacks", shapes.HUMPED, "slatehump", ("#2c3340", "#5b6779", "#aab3bf"), "#39424f", (),
          (("yellowtail", (), "#f0c419"), ("ringed", (_bars(5, "#d7dde5", 0.3),), "#39424f"))),
    Genus("roundtails", shapes.ROUND_TAIL, "mossling", ("#3e4a1f", "#7d8a45", "#c9cd9c"), "#5c6830",
          (), (("clouded", (Mottle("#20270d", 7, 0.85),), "#5c6830"),
               ("striped", (_stripe(-0.45, "#e9e3a6"), _stripe(0.25, "#e9e3a6")), "#5c6830"))),
    Genus("roundtails", shapes.ROUND_TAIL, "emberling", ("#b5491b", "#e8803a", "#f9d3a4"),
          "#cf6426", (), (("banded", (_bars(4, "#fdf4e3", 0.35),), "#cf6426"),
               ("inky", (Blotch(0.32, -0.2, 0.07, "#15100c", 0.95),), "#cf6426"))),
    Genus("sailbacks", shapes.SAIL, "violet sail", ("#4b2f7d", "#8a6fc0", "#d9cdee"), "#6a4da3", (),
          (("starry", (_spots(30, "#f4ecff", 0.011),), "#6a4da3"),
           ("belted", (_bars(2, "#1d0f3d", 0.35),), "#6a4da3"))),
    Genus("sailbacks", shapes.SAIL, "sand sail", ("#9a8560", "#cdb98f", "#efe6cf"), "#b09a70", (),
          (("blacktail", (), "#17140f"),
           ("ribboned", (_stripe(0.0, "#4a3a20", 0.035),), "#b09a70"))),
    Genus("keelbellies", shapes.KEELED, "silverkeel", ("#55707a", "#b9cdd2", "#f4f7f6"), "#8fa7ae",
          (), (("shoulder", (Blotch(0.3, -0.35, 0.055, "#12181b", 0.95),), "#8fa7ae"),
               ("comb", (_bars(9, "#33525c", 0.35),), "#8fa7ae"))),
    Genus("keelbellies", shapes.KEELED, "limekeel", ("#3f7a4f", "#86c48e", "#e3f3dd"),
          "#5fa06c", (), (("bluestripe", (_stripe(0.1, "#1646a0", 0.04),), "#5fa06c"),
           ("peppered", (_spots(34, "#16361f", 0.012),), "#5fa06c"))),
)  # fmt: skip


def plan_of(genus: Genus, first: str, marks: tuple[Mark, ...], tail: str) -> BodyPlan:
    """Return the plan of a species: its genus' body with the marks that tell it by."""
    back, side, belly = genus.shades
    shape = genus.shape
    return BodyPlan(
        name=f"{first} {genus.name}",
        top=shape.outline[0],
        bottom=shape.outline[1],
        shades=((-1, back), (-0.45, back), (-0.05, side), (0.45, side), (1, belly)),
        fins=shape.fins(genus.fin, tail),
        marks=(*genus.shared, *marks),
        eyes=(shape.eye,),
        mouth=((0.003, 0.01), (0.04, 0.022)),
        gill=shape.gill,
        bend=shape.bend,
        length=shape.length,
        schooling=0.7,
    )


SPECIES: tuple[BodyPlan, ...] = tuple(
    plan_of(genus, *one) for genus in GENERA for one in genus.pair
)
CLASSES: tuple[str, ...] = tuple(plan.name for plan in SPECIES)
PAIRS: tuple[tuple[str, str], ...] = tuple(zip(CLASSES[::2], CLASSES[1::2], strict=True))
