"""The list of what a repair changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """One change.

    Attributes:
        rule: What it mends, a key of ``fish_dataset.rules.RULES``.
        action: What was done, in the same words for all changes of a kind.
        split: The split, or empty where all are meant.
        place: A picture's file name, a place in the annotation file, or a class.
        detail: Values before and after.
        boxes: Boxes that are lost by it.
        count: Changes that this line stands for, where not each is told.
    """

    rule: str
    action: str
    split: str
    place: str
    detail: str = ""
    boxes: int = 0
    count: int = 1


@dataclass
class Changes:
    """All changes of a repair, in the order in which they were made.

    Attributes:
        entries: The changes.
        boxes: By split, boxes that the file had ('in') and that the copy has ('out').
    """

    entries: list[Change] = field(default_factory=list)
    boxes: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(
        self,
        rule: str,
        action: str,
        split: str,
        place: str,
        detail: str = "",
        *,
        boxes: int = 0,
        count: int = 1,
    ) -> None:
        """Note one change; see ``Change``."""
        self.entries.append(Change(rule, action, split, place, detail, boxes, count))

    @property
    def total(self) -> int:
        """Number of changes."""
        return sum(change.count for change in self.entries)

    def lost(self, split: str) -> dict[str, int]:
        """Boxes of a split that were lost, by rule."""
        counts: Counter[str] = Counter()
        for change in self.entries:
            if change.boxes and change.split == split:
                counts[change.rule] += change.boxes
        return dict(counts)

    def account(self, split: str, given: int, left: int) -> None:
        """Note that a split had ``given`` boxes and has ``left`` now.

        Raises:
            ValueError: the changes do not tell where the others went (a fault of the program).
        """
        lost = sum(self.lost(split).values())
        if given != left + lost:
            raise ValueError(f"repair of {split}: {given} boxes in, {left} out, {lost} listed")
        self.boxes[split] = {"in": given, "out": left}

    def summary(self) -> list[str]:
        """A line for each kind of change with its count, then one for the boxes of each split."""
        counts: Counter[tuple[str, str]] = Counter()
        boxes: Counter[tuple[str, str]] = Counter()
        for change in self.entries:
            counts[change.rule, change.action] += change.count
            boxes[change.rule, change.action] += change.boxes
        return [
            f"{count} × {key[0]}: {key[1]}" + (f" ({_boxes(boxes[key])} lost)" * (boxes[key] > 0))
            for key, count in counts.items()
        ] + [
            f"{split}: {_boxes(n['in'])} in = {n['out']} out + {n['in'] - n['out']} lost"
            for split, n in self.boxes.items()
        ]

    def as_json(self) -> dict[str, Any]:
        """Total, summary, boxes and every change, as JSON values."""
        return {
            "total": self.total,
            "summary": self.summary(),
            "boxes": {split: {**n, "lost": self.lost(split)} for split, n in self.boxes.items()},
            "changes": [asdict(change) for change in self.entries],
        }


def _boxes(count: int) -> str:
    return f"{count} box{'es' * (count != 1)}"
