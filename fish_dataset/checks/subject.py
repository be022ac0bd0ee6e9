"""What the checks of a whole data folder look at, and where they note what they find."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.checks.pictures import PictureFacts
from fish_dataset.findings import Finding, shorten
from fish_dataset.reading.lenient import SHOWN, Reading
from fish_dataset.rules import RULES


@dataclass(frozen=True)
class Spot:
    """A place: a picture by split and row, and the boxes (xywh) that the fault is about."""

    split: str
    row: int
    boxes: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class Evidence:
    """A finding with the pictures that show it."""

    finding: Finding
    spots: tuple[Spot, ...] = ()


@dataclass(frozen=True)
class Subject:
    """The splits of a folder and what their pictures told; N pictures of all splits in a row.

    Attributes:
        readings: The splits that could be read.
        facts: On the N pictures.
        present: (N,) bool, pictures that are on disk.
    """

    readings: Mapping[str, Reading]
    facts: PictureFacts
    present: np.ndarray

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits."""
        return tuple(self.readings)

    @cached_property
    def starts(self) -> np.ndarray:
        """(splits + 1,) int64: the pictures of split ``i`` are ``starts[i]:starts[i + 1]``."""
        counts = [reading.annotations.num_images for reading in self.readings.values()]
        return np.cumsum([0, *counts])

    @cached_property
    def split_of(self) -> np.ndarray:
        """(N,) int64, position of the split of each picture."""
        return np.repeat(np.arange(len(self.splits)), np.diff(self.starts))

    @cached_property
    def names(self) -> list[str]:
        """N file names."""
        return [name for r in self.readings.values() for name in r.annotations.file_names]

    @cached_property
    def order(self) -> np.ndarray:
        """(N,) rank of each picture by its name, long numbers after short ones."""
        keys = [(len(name), name) for name in self.names]
        by_name = sorted(range(len(keys)), key=keys.__getitem__)
        ranks = np.empty(len(keys), dtype=np.int64)
        ranks[by_name] = np.arange(len(keys))
        return ranks

    @cached_property
    def hashed(self) -> np.ndarray:
        """(N,) bool, pictures whose hash says something."""
        return self.facts.readable & ~self.facts.blank

    def spot(self, picture: int, boxes: Iterable[Iterable[float]] = ()) -> Spot:
        """Picture ``picture`` (of N) as a place."""
        split = int(self.split_of[picture])
        told = tuple(tuple(float(v) for v in box) for box in boxes)
        return Spot(self.splits[split], int(picture - self.starts[split]), told)

    def called(self, picture: int) -> str:
        """The name of picture ``picture`` (of N) with its split."""
        return f"{self.names[picture]!r} ({self.splits[int(self.split_of[picture])]})"

    def data(self, split: str) -> Annotations:
        """The annotations of a split."""
        return self.readings[split].annotations


class Log:
    """Evidence by rule: ``shown`` of each in full, a count of the rest.

    Args:
        subject: What the rows of spots belong to.
    """

    def __init__(self, subject: Subject, shown: int = SHOWN) -> None:
        self.subject, self.shown = subject, shown
        self._kept: dict[str, list[Evidence]] = {}
        self._more: dict[tuple[str, str], int] = {}

    def add(
        self, rule: str, split: str, field: str, value: str, spots: Iterable[Spot] = ()
    ) -> None:
        """Note one fault at ``field`` of a split's file ('' for the folder as a whole)."""
        kept = self._kept.setdefault(rule, [])
        file = self._file(split)
        if len(kept) >= self.shown:
            self._more[rule, file] = self._more.get((rule, file), 0) + 1
            return
        severity, _, remedy = RULES[rule]
        finding = Finding(rule, severity, file, field, shorten(value), remedy)
        kept.append(Evidence(finding, tuple(spots)))

    def picture(self, rule: str, picture: int, value: str, others: Iterable[int] = ()) -> None:
        """Note a fault of picture ``picture`` (of N); ``others`` show it too."""
        spot = self.subject.spot(picture)
        entry = int(self.subject.readings[spot.split].image_entries[spot.row])
        spots = [spot, *(self.subject.spot(other) for other in others)]
        name = repr(self.subject.names[picture])
        self.add(rule, spot.split, f"images[{entry}]", f"{name}: {value}", spots)

    def box(self, rule: str, split: str, rows: Iterable[int], value: str) -> None:
        """Note a fault of the first of ``rows`` of a split's boxes, which lie in one picture."""
        rows = list(rows)
        reading = self.subject.readings[split]
        data = reading.annotations
        image = int(data.box_image[rows[0]])
        spot = Spot(split, image, tuple(tuple(data.bboxes[row].tolist()) for row in rows))
        field = f"annotations[{int(reading.box_entries[rows[0]])}].bbox"
        self.add(rule, split, field, f"{data.file_names[image]!r}: {value}", [spot])

    def more(self, rule: str, split: str, count: int) -> None:
        """Count further faults of which no more is told."""
        if count > 0:
            key = (rule, self._file(split))
            self._more[key] = self._more.get(key, 0) + count

    def room(self, rule: str) -> int:
        """How many further faults of ``rule`` would be kept in full."""
        return max(0, self.shown - len(self._kept.get(rule, ())))

    @property
    def evidence(self) -> list[Evidence]:
        """All of it, by rule."""
        listed = [one for kept in self._kept.values() for one in kept]
        for (rule, file), count in self._more.items():
            severity, _, remedy = RULES[rule]
            listed.append(Evidence(Finding(rule, severity, file, "", str(count), remedy, count)))
        return listed

    def _file(self, split: str) -> str:
        return str(self.subject.readings[split].file) if split else ""
