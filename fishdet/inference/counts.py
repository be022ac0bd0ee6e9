"""How many fish of each species a video shows.

MaxN is the greatest number of fish of a species in one frame, so no fish counts twice (Priede et
al. 1994, in the words of https://benthic-bruvs-field-manual.github.io/image-annotations,
2026-11-25). Time in frame is the sum of the durations of the frames with at least one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

COLUMNS = (
    "class_name", "max_n", "max_n_frame", "max_n_seconds", "seconds_in_frame", "share_of_time",
    "first_seconds", "last_seconds", "detections", "tracks",
)  # fmt: skip


@dataclass
class SpeciesCount:
    """Counts of one species; frames from 0, times in seconds."""

    max_n: int = 0
    max_n_frame: int = 0
    max_n_seconds: float = 0.0
    seconds_in_frame: float = 0.0
    first_seconds: float = 0.0
    last_seconds: float = 0.0
    detections: int = 0


class Counts:
    """Counts that grow frame by frame, in constant memory."""

    def __init__(self) -> None:
        self.by_label: dict[int, SpeciesCount] = {}
        self.frames, self.seconds = 0, 0.0

    def add(self, index: int, seconds: float, duration: float, labels: np.ndarray) -> None:
        """Count one more frame.

        Args:
            index: its number.
            seconds: its time.
            duration: how long it stands, in seconds.
            labels: class of each fish in it (N,).
        """
        self.frames, self.seconds = self.frames + 1, self.seconds + duration
        for label, number in zip(*np.unique(labels, return_counts=True), strict=True):
            count = self.by_label.setdefault(int(label), SpeciesCount(first_seconds=seconds))
            if number > count.max_n:
                count.max_n, count.max_n_frame, count.max_n_seconds = int(number), index, seconds
            count.seconds_in_frame += duration
            count.last_seconds = seconds
            count.detections += int(number)

    def rows(self, names: Sequence[str], species: Mapping[int, int]) -> Iterator[list[Any]]:
        """Yield the values of ``COLUMNS`` for each species that was seen, by MaxN.

        Args:
            names: of the classes.
            species: label of each tracked fish.
        """
        tracked = list(species.values())
        ordered = sorted(self.by_label.items(), key=lambda item: (-item[1].max_n, item[0]))
        for label, one in ordered:
            share = one.seconds_in_frame / self.seconds if self.seconds else 0.0
            times = (one.first_seconds, one.last_seconds)
            yield [
                names[label],
                one.max_n,
                one.max_n_frame,
                round(one.max_n_seconds, 3),
                round(one.seconds_in_frame, 3),
                round(share, 4),
                *(round(value, 3) for value in times),
                one.detections,
                tracked.count(label),
            ]
