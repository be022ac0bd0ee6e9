"""A video of drawn fish whose tracks are known, and a detector that sees ellipses by colour."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import supervision as sv

from fishdet.inference.names import names_of
from fishdet.inference.options import DetectionOptions
from fishdet.inference.results import build_detections

CLASSES = ("salmon", "eel")
COLOURS = ((60, 60, 230), (60, 220, 60))  # BGR of each class
SIZE, FPS = (160, 120), 25.0


@dataclass(frozen=True)
class Swimmer:
    """A fish that swims straight.

    Attributes:
        label: class.
        first: first frame.
        last: last frame, included.
        start: (x, y) of its centre in the first frame.
        step: (x, y) pixels a frame.
    """

    label: int
    first: int
    last: int
    start: tuple[float, float]
    step: tuple[float, float] = (0.0, 0.0)


# Salmon: one in 0-99, two more in 50-149 (three in 50-99), one in 300-349: frames 0-149, 300-349.
# Eel: one in 120-219 and another in 200-299: two in 200-219, frames 120-299.
SWIMMERS = (
    Swimmer(0, 0, 99, (30, 20), (1.0, 0)),
    Swimmer(0, 50, 149, (130, 50), (-1.0, 0)),
    Swimmer(0, 50, 149, (30, 80), (1.0, 0)),
    Swimmer(0, 300, 349, (80, 60), (0.5, 0.2)),
    Swimmer(1, 120, 219, (40, 105), (0.8, 0)),
    Swimmer(1, 200, 299, (120, 20), (-0.5, 0)),
)


def frame(index: int) -> np.ndarray:
    """Return frame ``index``, uint8 BGR."""
    image = np.full((SIZE[1], SIZE[0], 3), (90, 60, 20), np.uint8)
    for one in SWIMMERS:
        if one.first <= index <= one.last:
            at = np.array(one.start) + (index - one.first) * np.array(one.step)
            centre = (round(at[0]), round(at[1]))
            cv2.ellipse(image, centre, (14, 6), 0, 0, 360, COLOURS[one.label], -1)
    return image


def write_video(path: Path, frames: int = 500) -> Path:
    """Write the first frames as Motion JPEG in AVI."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, SIZE)
    for index in range(frames):
        writer.write(frame(index))
    writer.release()
    return path


class ColourDetector:
    """Finds the ellipses; counts the frames that it was shown."""

    def __init__(self, stop_after: int | None = None, batch_size: int = 4) -> None:
        self.classes = CLASSES
        self.catalogue_names = names_of(CLASSES, "en")
        self.thresholds = np.full(2, 0.3, np.float32)
        self.options = DetectionOptions(batch_size=batch_size)
        self.shown, self._stop_after = 0, stop_after

    def predict(self, images: list[np.ndarray]) -> list[sv.Detections]:
        """Return the boxes of the coloured spots."""
        if self._stop_after is not None and self.shown >= self._stop_after:
            raise KeyboardInterrupt
        self.shown += len(images)
        return [self._one(image) for image in images]

    def _one(self, image: np.ndarray) -> sv.Detections:
        rows = []
        for label, colour in enumerate(COLOURS):
            near = np.abs(image.astype(int) - colour).max(axis=2) < 60
            _, _, stats, _ = cv2.connectedComponentsWithStats(near.astype(np.uint8))
            rows += [(x, y, x + w, y + h, label) for x, y, w, h, area in stats[1:] if area > 40]
        table = np.array(rows, np.float32).reshape(-1, 5)
        unknown = np.full(len(table), -1), np.full(len(table), np.nan, np.float32)
        scores = np.full(len(table), 0.9, np.float32)
        labels = table[:, 4].astype(np.int64)
        return build_detections(self.catalogue_names, table[:, :4], scores, labels, None, unknown)
