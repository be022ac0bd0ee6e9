"""A data set in numbers: classes, boxes, light, and what follows for anchors and picture size."""

from __future__ import annotations

from .overview import Overview, look_over
from .report import print_overview, write_overview

__all__ = ["Overview", "look_over", "print_overview", "write_overview"]
