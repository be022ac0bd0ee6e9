"""A detector at work on pictures, counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fishdet.errors import FishdetError
from fishdet.inference.detector import Detector

from .clock import StageClock
from .stages import Found, counting, model_methods


def prediction_methods(detector: Detector) -> list[Found]:
    """Return what is counted of a detector.

    Raises:
        FishdetError: it is an exported model, whose runtime shows none of its parts.
    """
    network = detector.network
    if not hasattr(network, "model"):
        raise FishdetError(
            "an exported model runs as a whole and has no stages to show; profile the model that "
            "it was made of"
        )
    return [
        (detector, "read", "load"),
        (network, "prepare", "transform"),
        (detector, "_named", "results"),
        *model_methods(network.model),
    ]


def prediction_pass(
    detector: Detector, pictures: Sequence[Path], batch: int
) -> Callable[[StageClock], None]:
    """Return what predicts once on all pictures, ``batch`` at a time, and counts on a clock."""
    methods = prediction_methods(detector)

    def run(clock: StageClock) -> None:
        with counting(clock, methods), clock.stage("other"):
            for start in range(0, len(pictures), batch):
                images: list[Any] = [detector.read(p) for p in pictures[start : start + batch]]
                detector.predict(images)

    return run
