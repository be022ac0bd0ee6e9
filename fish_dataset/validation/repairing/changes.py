"""The list of what a repair changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Change:
    """One change.

    Attributes:
        rule: What it mends, a key of ``fish_dataset.rules.RULES``.
        action: What was done, in the same words for all changes of a kind.
        split: The split, or empty where all are meant.
        place: A picture's file name, or a class.
        detail: Values before and after.
    """

    rule: str
    action: str
    split: str
    place: str
    detail: str = ""


@dataclass
class Changes:
    """All changes of a repair, in the order in which they were made."""

    entries: list[Change] = field(default_factory=list)

    def add(self, rule: str, action: str, split: str, place: str, detail: str = "") -> None:
        """Note one change; see ``Change``."""
        self.entries.append(Change(rule, action, split, place, detail))

    @property
    def total(self) -> int:
        """Number of changes."""
        return len(self.entries)

    def summary(self) -> list[str]:
        """One line for each kind of change, with its count."""
        counts = Counter((change.rule, change.action) for change in self.entries)
        return [f"{count} × {rule}: {action}" for (rule, action), count in counts.items()]

    def as_json(self) -> dict[str, Any]:
        """Total, summary and every change, as JSON values."""
        return {
            "total": self.total,
            "summary": self.summary(),
            "changes": [asdict(change) for change in self.entries],
        }
