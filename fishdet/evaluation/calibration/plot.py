"""The reliability diagram: precision against score, before and after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from fish_dataset.files import write_atomic
from fish_dataset.fonts import drawable_language, label_font

from .ece import Reliability

FILE = "reliability.png"
BLUE, GREY, ORANGE = "#04648c", "#8fa3ad", "#d9822b"
WORDS = {
    "en": {
        "score": "score",
        "precision": "share right at IoU 0.5",
        "counts": "detections",
        "ideal": "as it should be",
        "before": "as the model says",
        "after": "calibrated",
    },
    "ko": {
        "score": "점수",
        "precision": "맞은 비율 (IoU 0.5)",
        "counts": "검출 수",
        "ideal": "이상적인 경우",
        "before": "모델의 점수",
        "after": "보정한 점수",
    },
}


def draw_reliability(parts: dict[str, Reliability], lang: str = "en") -> Figure:
    """Draw precision over score, and below it how many detections each bin holds.

    Args:
        parts: ``before``, and where there is one ``after``.
        lang: ``'en'`` or ``'ko'``; English where no font has Hangul.
    """
    words, font = WORDS[drawable_language(lang)], _font()
    figure = Figure(figsize=(5, 6.6), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    above.plot((0, 1), (0, 1), "--", color=GREY, linewidth=1, label=words["ideal"])
    for (name, part), colour in zip(parts.items(), (ORANGE, BLUE), strict=False):
        _draw(above, below, part, colour, f"{words[name]}: ECE {part.ece:.3f}")
    above.set(xlim=(0, 1), ylim=(0, 1))
    above.set_ylabel(words["precision"], fontproperties=font)
    above.legend(prop=font, loc="upper left", markerscale=0.6)
    below.set_yscale("log")
    below.set_ylabel(words["counts"], fontproperties=font)
    below.set_xlabel(words["score"], fontproperties=font)
    for axes in (above, below):
        axes.grid(alpha=0.3)
    return figure


def write_reliability(path: Path, parts: dict[str, Reliability], lang: str = "en") -> None:
    """Write :func:`draw_reliability` as PNG, whole or not at all."""
    figure = draw_reliability(parts, lang)
    FigureCanvasAgg(figure)
    write_atomic(path, lambda temporary: figure.savefig(temporary, format="png", dpi=130))


def _draw(above: Axes, below: Axes, part: Reliability, colour: str, label: str) -> None:
    held = part.counts > 0
    area = 20 + 180 * np.sqrt(part.counts[held] / part.counts.max(initial=1))
    above.plot(part.confidence[held], part.precision[held], color=colour, linewidth=1, alpha=0.4)
    above.scatter(part.confidence[held], part.precision[held], s=area, color=colour, alpha=0.6,
                  linewidths=0, label=label, clip_on=False)  # fmt: skip
    below.stairs(part.counts, part.edges, color=colour, linewidth=1.5)


def _font() -> FontProperties:
    path = label_font()
    return FontProperties(fname=str(path), size=9) if path else FontProperties(size=9)
