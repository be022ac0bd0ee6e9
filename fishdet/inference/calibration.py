"""Scores as chances: the temperature and the bias that a model was given on validation data.

A score s becomes sigmoid(logit(s) / temperature + bias), temperature scaling (Guo et al. 2017,
https://arxiv.org/abs/1706.04599, 2026-11-25) on the logit of the score, with a bias as in Platt's
scaling.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fish_dataset.files import read_json
from fishdet.errors import FishdetError

FILE = "calibration.json"
_EPS = 1e-6


@dataclass(frozen=True)
class Calibration:
    """Temperature and bias; see the module."""

    temperature: float
    bias: float = 0.0

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Return calibrated scores, float32, of the same shape; their order does not change."""
        inside = np.clip(scores.astype(np.float64), _EPS, 1 - _EPS)
        logits = np.log(inside / (1 - inside)) / self.temperature + self.bias
        return (1 / (1 + np.exp(-logits))).astype(np.float32)


def find_calibration(checkpoint: Mapping[str, Any], path: Path) -> Calibration | None:
    """Return the calibration of a model: of its papers, else of ``calibration.json`` beside it.

    Args:
        checkpoint: what ``load_checkpoint`` returned.
        path: its file; a checkpoint in a work dir has the file beside it.

    Raises:
        FishdetError: a temperature that is not above 0, or a bias that is no number.
    """
    stored, name = _stored(checkpoint, path, "temperature")
    return None if stored is None else calibration_from(stored, name)


def find_thresholds(
    checkpoint: Mapping[str, Any], path: Path, classes: Sequence[str]
) -> dict[str, float]:
    """Return the score from which on each species is worth showing, as calibration chose it.

    They are on the model's own scores. Classes without one (no right detection on the data of the
    calibration) are left out; all are, where the model was not calibrated. Arguments as above.

    Raises:
        FishdetError: a class that the model does not have, or a value outside 0 to 1.
    """
    stored, name = _stored(checkpoint, path, "thresholds")
    return {} if stored is None else thresholds_from(stored, name, classes)


def _stored(
    checkpoint: Mapping[str, Any], path: Path, field: str
) -> tuple[Mapping[str, Any] | None, str]:
    """The record that has ``field``, and what to call it in messages."""
    papers = ((checkpoint.get("meta") or {}).get("fishdet") or {}).get("calibration")
    if isinstance(papers, Mapping) and papers.get(field) is not None:
        return papers, f"{path}: calibration"
    beside = path.with_name(FILE)
    if not beside.is_file():
        return None, str(beside)
    try:
        stored = read_json(beside)
    except (OSError, ValueError) as error:
        raise FishdetError(f"{beside}: not readable as JSON: {error}; remove or mend it") from error
    known = isinstance(stored, Mapping) and stored.get(field) is not None
    return (stored if known else None), str(beside)


def calibration_from(stored: Mapping[str, Any], name: str) -> Calibration:
    """Return the calibration that papers state.

    Args:
        stored: ``temperature`` and, where there is one, ``bias``.
        name: of the file, for messages.

    Raises:
        FishdetError: a temperature that is not above 0, or a bias that is no number.
    """
    temperature, bias = stored["temperature"], stored.get("bias") or 0
    numbers = all(isinstance(v, int | float) and math.isfinite(v) for v in (temperature, bias))
    if not numbers or temperature <= 0:
        raise FishdetError(
            f"{name}: temperature {temperature!r}, bias {bias!r}: a temperature is a number above "
            "0 and a bias a number; calibrate the model again"
        )
    return Calibration(float(temperature), float(bias))


def thresholds_from(
    stored: Mapping[str, Any], name: str, classes: Sequence[str]
) -> dict[str, float]:
    """Return the thresholds that papers state under ``thresholds``; arguments as above.

    Raises:
        FishdetError: a class that the model does not have, or a value outside 0 to 1.
    """
    chosen = stored.get("thresholds") or {}
    if not isinstance(chosen, Mapping):
        raise FishdetError(f"{name}: thresholds: an object of class and score; calibrate again")
    strange = sorted(set(chosen) - set(classes))
    if strange:
        raise FishdetError(
            f"{name}: thresholds of {', '.join(strange)}: the model has {', '.join(classes)}; "
            "calibrate it again"
        )
    for of, value in chosen.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise FishdetError(f"{name}: thresholds.{of} {value!r}: a score from 0 to 1")
    return {of: float(value) for of, value in chosen.items()}
