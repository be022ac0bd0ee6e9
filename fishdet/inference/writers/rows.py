"""One row a detection, for tables of pictures and of frames."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import supervision as sv

COLUMNS = (
    "class_name", "species_id", "scientific_name", "name_ko", "name_en", "score", "calibrated",
    "x1", "y1", "x2", "y2", "runner_up", "runner_up_score",
)  # fmt: skip
IDENTIFIED = (
    "identified_rank", "identified_id", "identified_name", "identified_name_ko",
    "identified_probability", "identified_known", "identified_similarity",
    "identified_candidates",
)  # fmt: skip
"""Further columns where ``fishdet.Identifier`` named the fish."""
_TEXTS, _RUNNER_UP = COLUMNS[:5], "runner_up_score"


def columns(identified: bool) -> tuple[str, ...]:
    """Return the heads of ``detection_rows``."""
    return (*COLUMNS, *(IDENTIFIED if identified else ()))


def identification(found: sv.Detections, row: int) -> dict[str, Any]:
    """Return what was identified of a detection, by the names in ``IDENTIFIED``; else nothing."""
    values = {name: found.data[name][row].item() for name in IDENTIFIED if name in found.data}
    return {k: round(v, 5) if isinstance(v, float) else v for k, v in values.items()}


def detection_rows(found: sv.Detections, identified: bool = False) -> Iterator[list[Any]]:
    """Yield the values of ``columns`` for each detection: pixels to 0.01, scores to 0.00001.

    ``calibrated`` is empty where the model is not calibrated, ``runner_up_score`` where unknown.
    """
    calibrated = bool(found.metadata.get("calibrated"))
    for row in range(len(found)):
        data = {name: column[row] for name, column in found.data.items()}
        second = float(data[_RUNNER_UP])
        yield [
            *(str(data[name]) for name in _TEXTS),
            round(float(found.confidence[row]), 5),
            round(float(data["calibrated"]), 5) if calibrated else "",
            *(round(float(value), 2) for value in found.xyxy[row]),
            str(data["runner_up"]),
            "" if math.isnan(second) else round(second, 5),
            *(identification(found, row).values() if identified else ()),
        ]
