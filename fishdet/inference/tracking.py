"""Which detection is which fish, from frame to frame.

ByteTrack (Zhang et al. 2022, https://arxiv.org/abs/2110.06864, 2026-11-25) as the package
``trackers`` has it (Apache-2.0, https://github.com/roboflow/trackers, 2026-11-25).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import supervision as sv

from fishdet.errors import FishdetError

from .handover import Sight, same_fish
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


@dataclass
class _Fish:
    """A fish that may be seen again: its number, its votes (C,), and when it was seen last."""

    number: int
    votes: np.ndarray
    last: Sight


class Tracker:
    """Numbers fish, and names each by the vote of its frames so far, weighted by score.

    Args:
        names: of the classes.
        fps: frames a second that ``update`` gets.
        size: (width, height) of the frames.
        threshold: the least score of the detections that come; all of them may begin a fish.

    Raises:
        FishdetError: the package ``trackers`` is missing.
    """

    def __init__(self, names: Names, fps: float, size: tuple[int, int], threshold: float) -> None:
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
        self._names, self._fps, self._size = names, fps, size
        self._frame = 0
        self._fish: dict[int, list[_Fish]] = {}  # of each of ByteTrack's tracks, the latest last
        self._species: dict[int, int] = {}

    def update(self, found: sv.Detections) -> Tracked:
        """Return the detections of the next frame with their fish.

        A fish that was found under two names is one: of boxes that overlap by more than an IoU of
        0.7 the surest stays. Where the vote gives a fish another name than this frame does, the
        frame's own name becomes the runner-up, without a score.
        """
        self._frame += 1
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
        found = found[rows[order]]
        fish = [self._seen(track, found, row) for row, track in
                enumerate(tracked.tracker_id[order].tolist())]  # fmt: skip
        self._drop_lost()
        ids = np.array([UNTRACKED if one is None else one.number for one in fish], np.int64)
        return Tracked(self._voted(found, fish, ids), ids)

    def forget(self) -> None:
        """Begin every fish anew: frames are missing, nobody knows how many."""
        self._tracker.reset()
        self._fish = {}

    def species(self) -> dict[int, int]:
        """Return the label of each fish by its number."""
        return dict(self._species)

    def _seen(self, track: int, found: sv.Detections, row: int) -> _Fish | None:
        """The fish of a track with this frame's vote; None without a track.

        A track may pass from a lost fish to another one, or to a box on none, and back: of those
        that it had and that this can be, the latest of the same name goes on, else the latest, or
        else a new one begins.
        """
        if track < 0:
            return None
        label = int(found.class_id[row])
        second = int(found.data["runner_up_id"][row]), float(found.data["runner_up_score"][row])
        now = Sight(self._frame, found.xyxy[row], label, *second)
        known = self._fish.setdefault(track, [])
        may_be = [one for one in reversed(known) if self._same(one, now)]
        named = [one for one in may_be if self._species[one.number] == label]
        fish = next(iter(named or may_be), None)
        if fish is None:
            fish = _Fish(len(self._species) + 1, np.zeros(len(self._names.class_name)), now)
        else:
            known.remove(fish)
        known.append(fish)
        fish.last = now
        fish.votes[label] += found.confidence[row]
        self._species[fish.number] = int(fish.votes.argmax())
        return fish

    def _same(self, fish: _Fish, now: Sight) -> bool:
        return same_fish(fish.last, now, self._species[fish.number], self._size, self._fps)

    def _drop_lost(self) -> None:
        """Drop what ByteTrack has dropped, so that memory does not grow with the video."""
        oldest = self._frame - 2 * LOST_SECONDS * self._fps - 2
        left = {
            track: [one for one in known if one.last.frame >= oldest]
            for track, known in self._fish.items()
        }
        self._fish = {track: known for track, known in left.items() if known}

    def _voted(
        self, found: sv.Detections, fish: list[_Fish | None], ids: np.ndarray
    ) -> sv.Detections:
        labels = np.array([own if one is None else self._species[one.number] for one, own in
                           zip(fish, found.class_id.tolist(), strict=True)], np.int64)  # fmt: skip
        data = {**found.data, **self._names.of(labels)}
        other = labels != found.class_id
        own = found.data["class_name"]
        data["runner_up"] = np.where(other, own, found.data["runner_up"])
        data["runner_up_id"] = np.where(other, found.class_id, found.data["runner_up_id"])
        data["runner_up_score"] = np.where(other, np.nan, found.data["runner_up_score"])
        return sv.Detections(found.xyxy, confidence=found.confidence, class_id=labels, data=data,
                             metadata=dict(found.metadata), tracker_id=ids)  # fmt: skip
