"""Evaluation of detections: COCO box metrics, in total and per species.

Importing this package registers :class:`FishMetric` in ``mmdet.registry.METRICS``.
"""

from __future__ import annotations

from .coco_eval import evaluate
from .detections import Detections
from .metric import FishMetric
from .report import ClassRow, CocoReport
from .table import format_table

__all__ = ["ClassRow", "CocoReport", "Detections", "FishMetric", "evaluate", "format_table"]
