"""Error analysis: what is wrong with detections, what each kind of error costs, and where it is."""

from __future__ import annotations

from .corrections import Costs, costs
from .kinds import ERRORS, SHORT, Kind, Verdicts, judge

__all__ = ["ERRORS", "SHORT", "Costs", "Kind", "Verdicts", "costs", "judge"]
