"""Open set, doubt and calibration of names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fishdet.evaluation.calibration.ece import reliability


def auroc(known: np.ndarray, unknown: np.ndarray) -> float:
    """Return the chance that a known fish scores above an unknown one; ties count half.

    The area under the ROC curve, as the Mann-Whitney statistic. NaN where either is empty.

    Args:
        known, unknown: scores (K,), (U,): the higher, the likelier known.
    """
    if len(known) == 0 or len(unknown) == 0:
        return float("nan")
    ordered = np.sort(unknown)
    below = np.searchsorted(ordered, known, "left")
    upto = np.searchsorted(ordered, known, "right")
    return float(((below + upto) / 2).mean() / len(unknown))


def false_claims_at(known: np.ndarray, unknown: np.ndarray, recall: float = 0.95) -> float:
    """Return the share of unknown fish taken for known, where ``recall`` of the known are kept.

    The threshold is the highest score that keeps at least that share.
    """
    if len(known) == 0 or len(unknown) == 0:
        return float("nan")
    keep = int(np.ceil(recall * len(known) - 1e-9))
    threshold = np.sort(known)[::-1][keep - 1]
    return float((unknown >= threshold).mean())


@dataclass(frozen=True)
class RiskCoverage:
    """Share answered against share wrong of the answers, surest answers first.

    Attributes:
        coverage: (N,) share answered.
        risk: (N,) share of these that are wrong.
        area: mean risk over all shares answered (AURC), 0 for no errors.
    """

    coverage: np.ndarray
    risk: np.ndarray

    @property
    def area(self) -> float:
        """Mean of ``risk``."""
        return float(self.risk.mean()) if len(self.risk) else float("nan")

    def accuracy_at(self, coverage: float) -> float:
        """Return the share right where at least ``coverage`` is answered."""
        place = min(int(np.searchsorted(self.coverage, coverage - 1e-9)), len(self.risk) - 1)
        return float(1 - self.risk[place])


def risk_coverage(confidence: np.ndarray, right: np.ndarray) -> RiskCoverage:
    """Order answers by confidence (N,), with what of them is right (N,) as 0 … 1.

    Of equal confidences none can be answered alone: each gets the mean of its equals.
    """
    order = np.argsort(-confidence, kind="stable")
    confidence, right = confidence[order], right[order].astype(np.float64)
    _, group = np.unique(-confidence, return_inverse=True)
    means = np.bincount(group, right) / np.maximum(np.bincount(group), 1)
    count = np.arange(1, len(right) + 1)
    return RiskCoverage(count / max(len(right), 1), 1 - np.cumsum(means[group]) / count)


def expected_calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    """Return the mean distance between confidence (N,) and share right (N,), over equal bins."""
    return reliability(confidence, right, bins).ece
