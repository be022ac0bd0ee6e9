"""A model once its file is open, whatever runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .calibration import Calibration


@dataclass(frozen=True)
class Opened:
    """What ``Detector`` needs of a model.

    Attributes:
        network: from images, uint8 BGR (H, W, 3), to the ``Boxes`` of each.
        classes: C names in the order of the labels.
        calibration: what makes chances of scores; None where the model was not calibrated.
        thresholds: by class, the score from which on it is worth showing; empty likewise.
        device: where it runs.
        cfg: the config of a trained model; None of an exported one.
        drawn_only: whether it has learnt from the drawn data set alone.
    """

    network: Any
    classes: tuple[str, ...]
    calibration: Calibration | None
    thresholds: dict[str, float]
    device: str
    cfg: Any = None
    drawn_only: bool = False
