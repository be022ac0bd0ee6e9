"""Pictures that detectors find something on, and detections that must be alike."""

from __future__ import annotations

import cv2
import numpy as np

from fishdet.inference.boxes import Boxes


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def require_equal(found: Boxes, wanted: Boxes, least: float = 0.05) -> None:
    """Each box of one above the least score has its like in the other, both ways."""
    for one, other in ((found, wanted), (wanted, found)):
        for box, score, label in zip(one.xyxy, one.scores, one.labels, strict=True):
            if score < least + 1e-3:
                continue
            like = (other.labels == label) & (np.abs(other.scores - score) < 1e-3)
            assert (np.abs(other.xyxy[like] - box).max(axis=1, initial=0) < 0.5).any(), (box, score)
