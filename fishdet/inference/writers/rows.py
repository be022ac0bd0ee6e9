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
_TEXTS, _RUNNER_UP = COLUMNS[:5], "runner_up_score"


def detection_rows(found: sv.Detections) -> Iterator[list[Any]]:
    """Yield the values of ``COLUMNS`` for each detection: pixels to 0.01, scores to 0.00001.

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
        ]
