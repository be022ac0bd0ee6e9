"""How sure an evaluation is: intervals of its numbers, and whether scores mean what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fish_dataset.annotations import Annotations

from .calibration import Reliability, laece, outcomes, reliability
from .detections import Detections
from .intervals import FEWEST_GROUPS, Intervals, intervals


@dataclass(frozen=True)
class Uncertainty:
    """Beside the scores of one evaluation; definitions in docs/metrics.md.

    Attributes:
        intervals: of the headline numbers and of each species.
        reliability: detections by bins of their score; its ``ece`` is the D-ECE.
        laece: LaECE.
    """

    intervals: Intervals
    reliability: Reliability
    laece: float

    def as_dict(self) -> dict[str, Any]:
        """Return JSON data: ``intervals``, ``bootstrap``, ``ece``, ``laece``, ``reliability``."""
        return {
            **self.intervals.as_dict(),
            "ece": self.reliability.ece,
            "laece": self.laece,
            "reliability": self.reliability.as_dict(),
        }

    def told(self) -> str:
        """Return lines for the log: how the intervals were made, and the calibration error."""
        made = self.intervals
        lines = [
            f"95 % intervals: {made.resamples} resamples of groups by {made.rule}",
            f"count error of an image {made.count_MAE:.2f} "
            f"{interval_text(made.intervals['count_MAE'], 2)}, at a score of 0.3",
            f"calibration: D-ECE {self.reliability.ece:.3f}, LaECE {self.laece:.3f}",
        ]
        rare = [
            f"{name} ({count})"
            for name, count in made.species_groups.items()
            if 0 < count < FEWEST_GROUPS
        ]
        if made.warning:
            lines.append(f"WARNING: {made.warning}")
        elif rare:
            lines.append(
                f"Seen in fewer than {FEWEST_GROUPS} groups, their own intervals are not to be "
                f"trusted: {', '.join(rare)}"
            )
        return "\n".join(lines)


def uncertainty(
    annotations: Annotations,
    detections: Detections,
    *,
    resamples: int,
    by: Sequence[str] | None = None,
    max_dets: int = 100,
) -> Uncertainty:
    """Measure all of it; see :func:`~fishdet.evaluation.intervals.intervals` for the arguments.

    Raises:
        FishDataError: a group key that the images do not have.
    """
    found = outcomes(annotations, detections, max_dets=max_dets)
    return Uncertainty(
        intervals(annotations, detections, by=by, max_dets=max_dets, resamples=resamples),
        reliability(found.scores, found.right),
        laece(found),
    )


def interval_text(ends: tuple[float, float], digits: int) -> str:
    """``[0.53, 0.60]``, or nothing where the interval is undefined."""
    low, high = ends
    return "" if low != low else f"[{low:.{digits}f}, {high:.{digits}f}]"
