"""What the service needs of a detector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from fish_dataset.files import file_sha256
from fishdet.errors import FishdetError
from fishdet.inference.boxes import Boxes
from fishdet.inference.calibration import Calibration
from fishdet.inference.detector import Detector
from fishdet.inference.names import Names
from fishdet.inference.views import look
from fishdet.trace import trace_page
from fishdet.trace.record import faster_rcnn_of

from .naming import Namer


@dataclass(frozen=True)
class Model:
    """A model to serve.

    Attributes:
        name: of its file, without folders.
        sha256: of its file, which corrections are kept with.
        classes: C class names as trained.
        names: of the classes.
        calibration: what makes chances of scores; None where the model was not calibrated.
        sure_from: float32 (C,), the score from which on calibration holds a class worth naming; 0
            where it chose none.
        find: pictures uint8 BGR (H, W, 3) → boxes of each.
        trace: a picture and a language → the page that shows how the network got there; None where
            the model is of a kind that cannot be traced.
        drawn_only: whether it has learnt from drawn fish alone.
        namer: names the fish that were found from a gallery; None: no gallery.
    """

    name: str
    sha256: str
    classes: tuple[str, ...]
    names: Names
    calibration: Calibration | None
    sure_from: np.ndarray
    find: Callable[[Sequence[np.ndarray]], list[Boxes]]
    trace: Callable[[np.ndarray, str], str] | None = None
    drawn_only: bool = False
    namer: Namer | None = None

    @cached_property
    def called(self) -> tuple[dict[str, str], ...]:
        """Return what each class is called: ``class_name`` as trained, and the columns of
        ``names``."""
        return tuple(
            {name: str(column[label]) for name, column in vars(self.names).items()}
            | {"class_name": trained}
            for label, trained in enumerate(self.classes)
        )


def model_of(
    detector: Detector, path: Path, lower: bool = True, namer: Namer | None = None
) -> Model:
    """Return a detector as the service uses it.

    Args:
        detector: the detector.
        path: its checkpoint's file.
        lower: show species whose calibrated threshold lies below the detector's from there on.
        namer: names what was found from a gallery.
    """
    chosen = [detector.class_thresholds.get(name, np.nan) for name in detector.classes]
    calibrated = np.array(chosen, np.float32)
    shown = np.fmin(detector.thresholds, calibrated) if lower else detector.thresholds

    def find(images: Sequence[np.ndarray]) -> list[Boxes]:
        found = look(detector.network, images, detector.options, shown)
        return namer.name(images, found) if namer is not None else found

    return Model(
        path.name,
        file_sha256(path),
        tuple(detector.classes),
        detector.catalogue_names,
        detector.calibration,
        np.nan_to_num(calibrated, nan=0.0),
        find,
        _trace_of(detector),
        detector.drawn_only,
        namer,
    )


def _trace_of(detector: Detector) -> Callable[[np.ndarray, str], str] | None:
    try:
        faster_rcnn_of(detector)
    except FishdetError:
        return None
    return lambda image, lang: trace_page(detector, image, lang)
