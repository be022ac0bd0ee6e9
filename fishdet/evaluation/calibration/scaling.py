"""Scores that mean what they say: a temperature and a bias on the logit of the score.

    calibrated = sigmoid(logit(score) / temperature + bias)

Guo et al. (2017), On Calibration of Modern Neural Networks,
https://geoffpleiss.com/blog/nn_calibration.html (2026-11-25), divide the logits of a network by a
temperature that minimises the negative log-likelihood on held-out data. A detector's results hold
the winning score and no logits, so the logit of that score is scaled, and the event is "right at
IoU 0.5". The bias (Platt scaling) is needed because half of all detections are wrong however sure
the network is: Kuzucu et al. (2024), On Calibration of Object Detectors,
https://ar5iv.labs.arxiv.org/html/2405.20459 (2026-11-25), find it better than a temperature alone.

The order of detections of one model stays, so that AP stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from fishdet.errors import FishdetError

from .outcomes import Outcomes

_EDGE = 1e-6  # scores of exactly 0 and 1 have no logit
_STEPS = 100
_CLOSE = 1e-9
_FLATTEST = 1e-3  # slope below which scores tell nothing


@dataclass(frozen=True)
class Scaling:
    """What turns scores into probabilities; 1 and 0 leave them as they are."""

    temperature: float = 1.0
    bias: float = 0.0


def calibrated(scores: np.ndarray, scaling: Scaling) -> np.ndarray:
    """Return (K,) probabilities of being right for (K,) scores from 0 to 1."""
    return expit(_logits(scores) / scaling.temperature + scaling.bias)


def negative_log_likelihood(scores: np.ndarray, right: np.ndarray) -> float:
    """Mean of -log of the probability that the scores gave to what came."""
    logits = _logits(scores)
    return float(np.mean(np.logaddexp(0.0, np.where(right, -logits, logits))))


def fit_scaling(found: Outcomes, *, with_bias: bool = True) -> Scaling:
    """Fit temperature and bias by the likelihood of "right at IoU 0.5".

    Newton's method on Platt's (1999) smoothed targets (N+ + 1) / (N+ + 2) and 1 / (N- + 2), see
    https://www.infogalactic.com/info/Platt_scaling (2026-11-25): a few detections that are all
    right give no endless certainty.

    Raises:
        FishdetError: no right or no wrong detection, or scores that do not rise with being right.
    """
    hits, misses = int(found.right.sum()), int((~found.right).sum())
    if not hits or not misses:
        raise FishdetError(
            f"calibration: of {len(found)} detections {hits} are right and {misses} wrong at IoU "
            "0.5; both are needed. Use more validation images, or a lower test_cfg.score_thr"
        )
    targets = np.where(found.right, (hits + 1) / (hits + 2), 1 / (misses + 2))
    logits = _logits(found.scores)
    columns = np.stack([logits, np.ones(len(logits))]) if with_bias else logits[None]
    slope, *rest = _newton(columns, targets)
    if not slope > _FLATTEST:
        raise FishdetError(
            f"calibration: detections of higher score are not more often right (slope {slope:.3g} "
            f"over {len(found)} detections); train the model further, or use more images"
        )
    return Scaling(float(1 / slope), float(rest[0]) if rest else 0.0)


def _newton(columns: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """(P,) logistic regression of (K,) targets on (P, K) columns, steps halved where too long."""
    factors: np.ndarray = np.zeros(len(columns))
    factors[0] = 1.0
    loss = _loss(factors @ columns, targets)
    for _ in range(_STEPS):
        told = expit(factors @ columns)
        gradient = columns @ (told - targets)
        hessian = (columns * (told * (1 - told))) @ columns.T + 1e-9 * np.eye(len(columns))
        step = np.linalg.solve(hessian, gradient)
        new = _loss((factors - step) @ columns, targets)
        while new > loss and np.abs(step).max() > _CLOSE:
            step = step / 2
            new = _loss((factors - step) @ columns, targets)
        factors, loss = factors - step, new
        if np.abs(step).max() < _CLOSE:
            break
    return factors


def _loss(values: np.ndarray, targets: np.ndarray) -> float:
    return float((np.logaddexp(0.0, values) - targets * values).sum())


def _logits(scores: np.ndarray) -> np.ndarray:
    return logit(np.clip(np.asarray(scores, np.float64), _EDGE, 1 - _EDGE))
