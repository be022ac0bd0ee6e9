"""Does a score of 0.8 mean that 8 of 10 are right? Detection ECE, LaECE and reliability bins.

D-ECE: Küppers et al. (2020), Multivariate Confidence Calibration for Object Detection, here over
the score alone; LaECE: Oksuz et al. (2023), Towards Building Self-aware Object Detectors. Both as
defined at https://young-j-park.github.io/uq-detr/metrics/dece and …/metrics/laece (2026-11-25),
with 25 bins of equal width and COCO's matching, in which a box is found once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .outcomes import Outcomes

BINS = 25


@dataclass(frozen=True)
class Reliability:
    """Detections by bins of their score.

    Attributes:
        edges: (J + 1,) of J bins; a bin holds its upper edge, the first one 0 as well.
        counts: (J,) int64.
        confidence: (J,) mean score, NaN in an empty bin.
        precision: (J,) share of right ones, or for LaECE their summed IoU over the number of
            detections; NaN in an empty bin.
    """

    edges: np.ndarray
    counts: np.ndarray
    confidence: np.ndarray
    precision: np.ndarray

    @property
    def ece(self) -> float:
        """Mean distance of confidence and precision over the detections; NaN for none."""
        total = int(self.counts.sum())
        if total == 0:
            return float("nan")
        gaps = np.nan_to_num(np.abs(self.confidence - self.precision))
        return float((self.counts * gaps).sum() / total)

    def as_dict(self) -> dict[str, list[float]]:
        """Return the columns as lists, for a JSON file."""
        return {
            "edges": self.edges.tolist(),
            "counts": self.counts.tolist(),
            "confidence": self.confidence.tolist(),
            "precision": self.precision.tolist(),
        }


def reliability(scores: np.ndarray, quality: np.ndarray, bins: int = BINS) -> Reliability:
    """Sort detections into bins of equal width.

    Args:
        scores: (K,) 0 to 1.
        quality: (K,) whether each is right, or its IoU (0 for a wrong one).
        bins: J.
    """
    edges = np.linspace(0.0, 1.0, bins + 1)
    index = np.clip(np.searchsorted(edges, scores, side="left") - 1, 0, bins - 1)
    counts = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(index, scores, bins) / counts
        precision = np.bincount(index, quality.astype(np.float64), bins) / counts
    return Reliability(edges, counts, confidence, precision)


def detection_ece(found: Outcomes, scores: np.ndarray | None = None, bins: int = BINS) -> float:
    """D-ECE over the score, 0 to 1; NaN without detections.

    It depends on which detections are looked at: the many of low score weigh most, so compare
    models at the same ``test_cfg.score_thr``.

    Args:
        found: K detections.
        scores: (K,) other scores for them, such as calibrated ones.
        bins: number of bins.
    """
    return reliability(found.scores if scores is None else scores, found.right, bins).ece


def laece(found: Outcomes, scores: np.ndarray | None = None, bins: int = BINS) -> float:
    """LaECE: the score against precision times IoU, each class alone and then their mean.

    Classes without detections are left out; NaN where all are. Arguments as above.
    """
    used = found.scores if scores is None else scores
    errors = [
        reliability(used[of], found.iou[of], bins).ece
        for of in (found.labels == label for label in np.unique(found.labels))
    ]
    return float(np.mean(errors)) if errors else float("nan")
