"""Answers as columns of ``supervision.Detections``, which tables, JSON and drawings carry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fish_dataset.crops.windows import SMALLEST
from fishdet.inference.writers.rows import IDENTIFIED

from .answers import FISH, Answer

_KINDS = (str, str, str, str, np.float32, bool, np.float32, str)


def columns_of(said: Sequence[Answer], lang: str = "en") -> dict[str, np.ndarray]:
    """Return the columns ``IDENTIFIED`` of answers (N,); names in ``lang`` where there are such."""
    rows = [_row(one, lang) for one in said]
    return {
        name: np.array([row[place] for row in rows], dtype=kind)
        for place, (name, kind) in enumerate(zip(IDENTIFIED, _KINDS, strict=True))
    }


def no_claim(similarity: float) -> Answer:
    """Return the answer for a fish that is too small to be told: "fish", and nothing narrower."""
    return Answer(FISH, FISH, FISH, "물고기", 1.0, False, similarity, ())


def large_enough(xyxy: np.ndarray) -> np.ndarray:
    """Return (N,) bool: whether boxes (N, 4) are large enough to tell a species."""
    return (xyxy[:, 2:] - xyxy[:, :2]).max(1, initial=0) >= SMALLEST


def unless_small(said: Sequence[Answer], xyxy: np.ndarray) -> list[Answer]:
    """Return answers (N,) without the claims of boxes (N, 4) that are too small."""
    large = large_enough(xyxy).tolist()
    pairs = zip(said, large, strict=True)
    return [one if enough else no_claim(one.similarity) for one, enough in pairs]


def _row(one: Answer, lang: str) -> tuple[Any, ...]:
    shown = one.name_ko if lang == "ko" and one.name_ko else one.name
    candidates = "; ".join(f"{key} {chance:.2f}" for key, _, chance in one.candidates)
    return (one.rank, one.id, shown, one.name_ko, one.probability, one.known, one.similarity,
            candidates)  # fmt: skip
