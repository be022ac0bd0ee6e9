"""Scores as chances: the temperature and the bias that a model was given on validation data.

A score s becomes sigmoid(logit(s) / temperature + bias), temperature scaling (Guo et al. 2017,
https://arxiv.org/abs/1706.04599, 2026-11-25) on the logit of the score, with a bias as in Platt's
scaling.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
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
    papers = ((checkpoint.get("meta") or {}).get("fishdet") or {}).get("calibration")
    if isinstance(papers, Mapping) and papers.get("temperature") is not None:
        return calibration_from(papers, f"{path}: calibration")
    beside = path.with_name(FILE)
    if not beside.is_file():
        return None
    try:
        stored = read_json(beside)
    except (OSError, ValueError) as error:
        raise FishdetError(f"{beside}: not readable as JSON: {error}; remove or mend it") from error
    if not isinstance(stored, Mapping) or stored.get("temperature") is None:
        return None
    return calibration_from(stored, str(beside))


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
