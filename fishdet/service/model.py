"""What the service needs of a detector."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fishdet.inference.boxes import Boxes
from fishdet.inference.calibration import Calibration
from fishdet.inference.detector import Detector
from fishdet.inference.names import Names
from fishdet.inference.views import look


@dataclass(frozen=True)
class Model:
    """A model to serve.

    Attributes:
        name: of its file, without folders.
        sha256: of its file, which corrections are kept with.
        classes: C class names as trained.
        names: of the classes.
        calibration: what makes chances of scores; None where the model was not calibrated.
        find: pictures uint8 BGR (H, W, 3) → boxes of each.
    """

    name: str
    sha256: str
    classes: tuple[str, ...]
    names: Names
    calibration: Calibration | None
    find: Callable[[Sequence[np.ndarray]], list[Boxes]]


def model_of(detector: Detector, path: Path) -> Model:
    """Return a detector as the service uses it; ``path`` is its checkpoint's file."""

    def find(images: Sequence[np.ndarray]) -> list[Boxes]:
        return look(detector.network, images, detector.options, detector.thresholds)

    return Model(
        path.name,
        _sha256(path),
        tuple(detector.classes),
        detector.catalogue_names,
        detector.calibration,
        find,
    )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()
