"""Of which form are these boxes? Told by their statistics, so that a mix-up is no silent 0 AP."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fish_dataset.annotations import Annotations

from ..errors import FishdetError

_OUT = 0.2  # share of boxes that may reach out of their image
_FIT = 0.99  # share of boxes that must make sense in the other form
_TOLERANCE = 2.0  # pixels beyond the border, from rounding


def require_form(
    path: Path, boxes: np.ndarray, rows: np.ndarray, annotations: Annotations, form: str
) -> None:
    """Refuse boxes that are plainly not of the form that they are taken for.

    Boxes are corners in place of ``xywh`` where more than a fifth of them would reach out of their
    image, or fewer of them would meet a box of the ground truth, while nearly all are proper
    corners inside their image; ``xywh`` in place of corners where more than a fifth have no
    positive side and nearly all fit as ``xywh``; fractions where no value is above 1.

    Args:
        path: file that they stand in, for messages.
        boxes: (K, 4) as they stand there, K at least 1.
        rows: (K,) image row of each.
        annotations: ground truth.
        form: ``xywh`` or ``xyxy``.

    Raises:
        FishdetError: with the shares that tell.
    """
    sizes = np.stack([annotations.widths[rows], annotations.heights[rows]], axis=1)
    if np.abs(boxes).max() <= 1.0 and sizes.min() > 2:
        raise FishdetError(
            f"{path}: all {len(boxes)} bbox values lie between -1 and 1: they look like fractions "
            "of the image; multiply by its width and height"
        )
    ends = {"xywh": boxes[:, :2] + boxes[:, 2:], "xyxy": boxes[:, 2:]}
    inside = {name: (end <= sizes + _TOLERANCE).all(axis=1) for name, end in ends.items()}
    proper = {"xywh": (boxes[:, 2:] > 0).all(axis=1), "xyxy": (ends["xyxy"] > boxes[:, :2]).all(1)}
    other = "xyxy" if form == "xywh" else "xywh"
    fits = {name: float((inside[name] & proper[name]).mean()) for name in ends}
    meets = {
        name: meeting_share(boxes[:, :2], end, rows, annotations) for name, end in ends.items()
    }
    out = fits[form] < 1 - _OUT
    worse = meets[other] > 2 * meets[form] + 0.1
    if fits[other] >= _FIT and (out or worse):
        raise FishdetError(
            f"{path}: the boxes look like {other}, not {form}: {fits[form]:.0%} of {len(boxes)} "
            f"lie inside their image as {form} and {fits[other]:.0%} as {other}; "
            f"{meets[form]:.0%} and {meets[other]:.0%} overlap a labelled box by half. Write them "
            f"as {form}, or read them so: --box-form {other} (box_form={other!r})"
        )


def meeting_share(
    low: np.ndarray, high: np.ndarray, rows: np.ndarray, annotations: Annotations
) -> float:
    """Share of up to 2,000 boxes whose IoU with some labelled box of their image is 0.5."""
    chosen = np.linspace(0, len(rows) - 1, min(len(rows), 2000)).astype(np.int64)
    met = 0
    for i in chosen.tolist():
        held = annotations.bboxes[annotations.boxes_of(int(rows[i]))].astype(np.float64)
        sides = np.minimum(high[i], held[:, :2] + held[:, 2:]) - np.maximum(low[i], held[:, :2])
        shared = np.prod(np.maximum(sides, 0), axis=1)
        own = np.prod(np.maximum(high[i] - low[i], 0))
        met += bool((shared >= 0.5 * (own + held[:, 2] * held[:, 3] - shared)).any() and own > 0)
    return met / len(chosen)
