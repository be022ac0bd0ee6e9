"""Further scores beside COCO's: ``docs/metrics.md`` defines them."""

from __future__ import annotations

from .frequency import images_per_class
from .record import Choices, absent_species, evaluation_record
from .tables import format_record

__all__ = [
    "Choices",
    "absent_species",
    "evaluation_record",
    "format_record",
    "images_per_class",
]
