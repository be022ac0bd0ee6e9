"""Calibration: do scores mean what they say, and what makes them."""

from __future__ import annotations

from .ece import Reliability, detection_ece, laece, reliability
from .fitting import Calibration, calibrate, write_calibration
from .outcomes import Outcomes, outcomes
from .scaling import Scaling, calibrated, fit_scaling
from .thresholds import f1_thresholds, precision_thresholds

__all__ = [
    "Calibration",
    "Outcomes",
    "Reliability",
    "Scaling",
    "calibrate",
    "calibrated",
    "detection_ece",
    "f1_thresholds",
    "fit_scaling",
    "laece",
    "outcomes",
    "precision_thresholds",
    "reliability",
    "write_calibration",
]
