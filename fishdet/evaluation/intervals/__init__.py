"""Intervals: how far the numbers of an evaluation would move on other videos of the same kind."""

from __future__ import annotations

from .report import FEWEST_GROUPS, RESAMPLES, Intervals, intervals

__all__ = ["FEWEST_GROUPS", "RESAMPLES", "Intervals", "intervals"]
