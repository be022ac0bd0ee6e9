"""From pictures to named fish: the detector, drawing, and what is written of its results."""

from __future__ import annotations

from .detector import Detector
from .draw import draw_detections
from .inputs import find_images, read_image

__all__ = ["Detector", "draw_detections", "find_images", "read_image"]
