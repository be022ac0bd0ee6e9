"""A detector at work on pictures, counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fishdet.inference.detector import Detector

from .clock import StageClock
from .stages import Found, counting, model_methods


def prediction_methods(detector: Detector) -> list[Found]:
    """Return what is counted of a detector; an exported model has one stage, "model"."""
    network = detector.network
    outer: list[Found] = [(detector, "read", "load"), (detector, "_named", "results")]
    if not hasattr(network, "model"):
        return [*outer, (network, "_run", "model")]
    return [*outer, (network, "prepare", "transform"), *model_methods(network.model)]


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
