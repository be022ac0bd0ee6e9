"""Scores of naming fish: plain arrays in, numbers out."""

from __future__ import annotations

from .measures import auroc, expected_calibration_error, false_claims_at, risk_coverage
from .naming import Naming, hits, naming

__all__ = [
    "Naming",
    "auroc",
    "expected_calibration_error",
    "false_claims_at",
    "hits",
    "naming",
    "risk_coverage",
]
