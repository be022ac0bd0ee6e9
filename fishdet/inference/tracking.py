"""Which detection is which fish, from frame to frame.

ByteTrack (Zhang et al. 2022, https://arxiv.org/abs/2110.06864, 2026-11-25) as the package
``trackers`` has it (Apache-2.0, https://github.com/roboflow/trackers, 2026-11-25).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import supervision as sv

from fishdet.errors import FishdetError

from .names import Names
from .options import ONE_FISH_IOU

UNTRACKED = -1
LOST_SECONDS = 1.0


@dataclass(frozen=True)
class Tracked:
    """The detections of one frame, each with the fish that it is.

    Attributes:
        detections: in the order of ``ids``, names by the vote of each fish.
        ids: int64 (N,) number of the fish from 1, -1 where it has not been seen twice yet.
    """

    detections: sv.Detections
    ids: np.ndarray


class Tracker:
    """Numbers fish, and names each by the vote of its frames so far, weighted by score.

    Args:
        names: of the classes.
        fps: frames a second that ``update`` gets.
        threshold: the least score of the detections that come; all of them may begin a fish.

    Raises:
        FishdetError: the package ``trackers`` is missing.
    """

    def __init__(self, names: Names, fps: float, threshold: float) -> None:
        try:
            from trackers import ByteTrackTracker
        except ImportError as error:
            raise FishdetError(
                f"tracking needs the package trackers: pip install trackers ({error})"
            ) from error
        self._tracker = ByteTrackTracker(
            lost_track_buffer=round(30 * LOST_SECONDS),  # in frames of 1/30 s, whatever the fps
            frame_rate=fps,
            track_activation_threshold=threshold,
            high_conf_det_threshold=threshold,
            minimum_consecutive_frames=2,
        )
        self._names = names
        self._number: dict[int, int] = {}
        self._votes: dict[int, np.ndarray] = {}

    def update(self, found: sv.Detections) -> Tracked:
        """Return the detections of the next frame with their fish.

        A fish that was found under two names is one: of boxes that overlap by more than an IoU of
        0.7 the surest stays. Where the vote gives a fish another name than this frame does, the
        frame's own name becomes the runner-up, without a score.
        """
        found = found.with_nms(ONE_FISH_IOU, class_agnostic=True)
        plain = sv.Detections(
            xyxy=found.xyxy,
            confidence=found.confidence,
            class_id=found.class_id,
            data={"row": np.arange(len(found))},
        )
        tracked = self._tracker.update(plain)
        if len(tracked) == 0:
            return Tracked(found[:0], np.zeros(0, np.int64))
        rows = tracked.data["row"]
        order = np.argsort(rows, kind="stable")
        ids = np.array(
            [self._numbered(one) for one in tracked.tracker_id[order].tolist()], np.int64
        )
        return Tracked(self._voted(found[rows[order]], ids), ids)

    def species(self) -> dict[int, int]:
        """Return the label of each fish by its number."""
        return {number: int(votes.argmax()) for number, votes in self._votes.items()}

    def _numbered(self, track: int) -> int:
        if track < 0:
            return UNTRACKED
        return self._number.setdefault(track, len(self._number) + 1)

    def _voted(self, found: sv.Detections, ids: np.ndarray) -> sv.Detections:
        labels = found.class_id.copy()
        for row, number in enumerate(ids.tolist()):
            if number == UNTRACKED:
                continue
            votes = self._votes.setdefault(number, np.zeros(len(self._names.class_name)))
            votes[labels[row]] += found.confidence[row]
            labels[row] = votes.argmax()
        data = {**found.data, **self._names.of(labels)}
        other = labels != found.class_id
        own = found.data["class_name"]
        data["runner_up"] = np.where(other, own, found.data["runner_up"])
        data["runner_up_id"] = np.where(other, found.class_id, found.data["runner_up_id"])
        data["runner_up_score"] = np.where(other, np.nan, found.data["runner_up_score"])
        return sv.Detections(found.xyxy, confidence=found.confidence, class_id=labels, data=data,
                             metadata=dict(found.metadata), tracker_id=ids)  # fmt: skip
