"""How often the right species is named: plain arrays in, numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Naming:
    """Scores of closed-set naming.

    Attributes:
        totals: ``top1``, ``top5`` over crops; ``macro_top1``, ``macro_top5``, the mean over the
            species that have crops; ``nll``, the mean negative log-probability.
        per_class: one row a species: name, crops, top1, top5 (None without crops).
    """

    totals: dict[str, float]
    per_class: list[dict[str, Any]] = field(default_factory=list)


def naming(scores: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> Naming:
    """Score probabilities (N, C) against labels (N,).

    The rank of the truth is one more than the number of species with a higher score; a tie counts
    half of those that share it, so that a constant answer gains nothing.

    Raises:
        ValueError: nothing to score.
    """
    if len(labels) == 0:
        raise ValueError("no crops to score")
    right1, right5 = hits(scores, labels, 1), hits(scores, labels, 5)
    true = scores[np.arange(len(labels)), labels]
    rows = []
    for label, name in enumerate(classes):
        mine = labels == label
        crops = int(mine.sum())
        row = {"name": name, "crops": crops, "top1": None, "top5": None}
        if crops:
            row |= {"top1": float(right1[mine].mean()), "top5": float(right5[mine].mean())}
        rows.append(row)
    seen = [row for row in rows if row["crops"]]
    return Naming(
        {
            "top1": float(right1.mean()),
            "top5": float(right5.mean()),
            "macro_top1": float(np.mean([row["top1"] for row in seen])),
            "macro_top5": float(np.mean([row["top5"] for row in seen])),
            "nll": float(-np.log(np.clip(true, 1e-12, 1)).mean()),
        },
        rows,
    )


def hits(scores: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """Return (N,), 1 where the truth is among the ``k`` best scores (N, C), less where tied."""
    true = scores[np.arange(len(labels)), labels][:, None]
    above = (scores > true).sum(1)
    tied = (scores == true).sum(1)
    return np.clip((k - above) / tied, 0, 1)
