"""Detections with all that is told of them, and the same as plain data for a file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import supervision as sv

from .names import Names


def build_detections(
    names: Names,
    xyxy: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray,
    calibrated: np.ndarray | None,
    runner_up: tuple[np.ndarray, np.ndarray],
) -> sv.Detections:
    """Return detections as ``Detector`` documents them.

    Args:
        names: of the classes.
        xyxy: float32 (N, 4), pixels.
        scores: float32 (N,).
        labels: int64 (N,).
        calibrated: float32 (N,), None where the model is not calibrated.
        runner_up: label (N,), -1 where unknown, and score (N,), NaN there.
    """
    next_labels, next_scores = runner_up
    data = names.of(labels)
    data |= {
        "calibrated": scores if calibrated is None else calibrated,
        "runner_up": names.of(next_labels)["class_name"],
        "runner_up_id": next_labels,
        "runner_up_score": next_scores,
    }
    told = {"calibrated": calibrated is not None}
    return sv.Detections(xyxy=xyxy, confidence=scores, class_id=labels, data=data, metadata=told)


IDENTIFIED = "identified_"
"""How the columns begin that ``fishdet.Identifier`` adds; files carry them as they are."""


def to_plain(found: sv.Detections) -> dict[str, Any]:
    """Return what names cannot tell, as lists; ``from_plain`` gives the same to the last bit."""
    columns = {
        "bbox": found.xyxy,
        "score": found.confidence,
        "label": found.class_id,
        "runner_up": found.data["runner_up_id"],
        "runner_up_score": found.data["runner_up_score"],
    }
    if found.metadata.get("calibrated"):
        columns["calibrated"] = found.data["calibrated"]
    columns |= {name: column for name, column in found.data.items() if name.startswith(IDENTIFIED)}
    plain = {name: column.tolist() for name, column in columns.items()}
    plain["runner_up_score"] = [None if math.isnan(v) else v for v in plain["runner_up_score"]]
    return plain


def from_plain(plain: dict[str, Any], names: Names) -> sv.Detections:
    """Return the detections that ``to_plain`` was given."""
    calibrated = plain.get("calibrated")
    found = build_detections(
        names,
        _floats(plain["bbox"]).reshape(-1, 4),
        _floats(plain["score"]),
        np.array(plain["label"], np.int64),
        None if calibrated is None else _floats(calibrated),
        (np.array(plain["runner_up"], np.int64), _floats(plain["runner_up_score"])),
    )
    for name, values in plain.items():
        if name.startswith(IDENTIFIED):
            column = np.array(values)
            found.data[name] = column.astype(np.float32) if column.dtype == float else column
    return found


def _floats(values: Sequence[Any]) -> np.ndarray:
    return np.array([math.nan if v is None else v for v in values], np.float32)
