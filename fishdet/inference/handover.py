"""Whether a fish that comes back to a track is the one that was lost.

A tracker looks at places alone: a fish that appears where another has just left goes on with its
number. A track that was lost for at least a frame is therefore taken up by the same species only,
by about the same size, and, where it was lost at the border of the frame, within a moment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOMENT = 0.2
"""Seconds for which a fish at the border may be overlooked; later it has left."""
BORDER = 0.01
"""How near to the border is at it, as a share of the frame's width or height."""
SIZES = 2.5
"""How many times larger or smaller a fish may come back, in area."""
SECOND = 0.2
"""The score from which on a box may hold its second species as well."""


@dataclass(frozen=True)
class Sight:
    """A fish in one frame.

    Attributes:
        frame: number of the frame, counted by the tracker.
        box: float32 (4,), corners in pixels.
        label: its class in this frame.
        second: the class that came second, -1 where nobody tells.
        second_score: its score, NaN where nobody tells.
    """

    frame: int
    box: np.ndarray
    label: int
    second: int = -1
    second_score: float = float("nan")


def same_fish(lost: Sight, back: Sight, species: int, size: tuple[int, int], fps: float) -> bool:
    """Return whether ``back`` may be the fish that was last seen as ``lost``.

    Args:
        lost: when the track was last seen.
        back: the box that the tracker goes on with.
        species: class of the track, by its vote.
        size: (width, height) of the frames.
        fps: frames a second that the tracker gets.
    """
    missed = back.frame - lost.frame - 1
    if missed < 1:
        return True
    if back.label != species and not (back.second == species and back.second_score >= SECOND):
        return False
    if at_border(lost.box, size):
        return missed <= MOMENT * fps
    return 1 / SIZES <= _area(back.box) / _area(lost.box) <= SIZES


def at_border(box: np.ndarray, size: tuple[int, int]) -> bool:
    """Whether a box (corners) reaches the border of a frame of ``size`` (width, height)."""
    wide, high = BORDER * size[0], BORDER * size[1]
    x1, y1, x2, y2 = box.tolist()
    return bool(x1 <= wide or y1 <= high or x2 >= size[0] - wide or y2 >= size[1] - high)


def _area(box: np.ndarray) -> float:
    return max(float((box[2] - box[0]) * (box[3] - box[1])), 1e-6)
