"""A finding is a fault as data; here findings are collected, grouped and printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from fish_dataset.errors import FishDataError
from fish_dataset.rules import RULES, Severity

SHOWN = 20


@dataclass(frozen=True)
class Finding:
    """One fault, or ``count`` faults of one rule of which no more is told.

    Attributes:
        rule: Key of ``fish_dataset.rules.RULES``.
        severity: ``'error'``, ``'repaired'`` or ``'warning'``.
        file: The annotation file.
        field: Where in it, such as ``annotations[3].bbox``; empty for the rest of a long list.
        value: What stands there.
        remedy: What to do.
        count: How many faults this finding stands for.
    """

    rule: str
    severity: Severity
    file: str
    field: str
    value: str
    remedy: str
    count: int = 1


class FindingLog:
    """Collects the findings on one file: the first ``shown`` of each rule, and a count of the rest.

    Args:
        file: Name that the findings carry.
        shown: Findings kept in full for each rule; a million faults cost no more memory than these.
    """

    def __init__(self, file: str, shown: int = SHOWN) -> None:
        self.file = file
        self.shown = shown
        self._kept: dict[str, list[Finding]] = {}
        self._more: dict[str, int] = {}

    def add(self, rule: str, field: str, value: object, count: int = 1) -> None:
        """Notes one fault at ``field`` (or ``count`` of them that share one line)."""
        kept = self._kept.setdefault(rule, [])
        if len(kept) < self.shown:
            kept.append(self._finding(rule, field, shorten(value), count))
        else:
            self._more[rule] = self._more.get(rule, 0) + count

    def add_rows(
        self,
        rule: str,
        rows: np.ndarray | Sequence[int],
        field: Callable[[int], str],
        value: Callable[[int], object],
    ) -> None:
        """Notes a fault at each of ``rows`` (R,); only the rows shown are put into words."""
        room = max(0, self.shown - len(self._kept.get(rule, ())))
        for row in rows[:room]:
            self.add(rule, field(int(row)), value(int(row)))
        rest = len(rows) - len(rows[:room])
        if rest > 0:
            self._more[rule] = self._more.get(rule, 0) + rest

    @property
    def findings(self) -> list[Finding]:
        """All findings, in the order of the rules' first fault."""
        listed: list[Finding] = []
        for rule, kept in self._kept.items():
            listed += kept
            if rule in self._more:
                listed.append(self._finding(rule, "", "", self._more[rule]))
        return listed

    def refuse(self) -> None:
        """Raises FishDataError that lists every error found, if there is one."""
        errors = [finding for finding in self.findings if finding.severity == "error"]
        if errors:
            total = sum(finding.count for finding in errors)
            head = f"{self.file}: {total} fault{'s' if total > 1 else ''}, nothing was loaded"
            raise FishDataError(f"{head}\n{format_findings(errors)}", errors)

    def _finding(self, rule: str, field: str, value: str, count: int) -> Finding:
        severity, _, remedy = RULES[rule]
        return Finding(rule, severity, self.file, field, value, remedy, count)


def shorten(value: object, limit: int = 200) -> str:
    """``value`` as text, cut after ``limit`` characters unless it has lines of its own."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit or "\n" in text else text[: limit - 1] + "…"


def count_findings(findings: Iterable[Finding]) -> dict[str, int]:
    """Number of faults of each rule."""
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.rule] = counts.get(finding.rule, 0) + finding.count
    return counts


def format_findings(findings: Iterable[Finding], shown: int = SHOWN) -> str:
    """Findings grouped by rule: what it is, how many, the first ``shown`` places, the remedy."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.rule, []).append(finding)
    return "\n".join(_format_group(rule, group, shown) for rule, group in groups.items())


def _format_group(rule: str, group: list[Finding], shown: int) -> str:
    total = sum(finding.count for finding in group)
    lines = [f"  {rule} ({total}): {RULES[rule].what}"]
    named = [finding for finding in group if finding.field][:shown]
    lines += [f"    {_format_place(finding)}" for finding in named]
    rest = total - sum(finding.count for finding in named)
    if rest:
        lines.append(f"    … and {rest} more")
    if group[0].severity not in ("repaired", "info"):
        lines.append(f"    → {group[0].remedy}")
    return "\n".join(lines)


def _format_place(finding: Finding) -> str:
    if "\n" in finding.value:
        body = finding.value.replace("\n", "\n      ")
        return f"{finding.field}:\n      {body}"
    return f"{finding.field}: {finding.value}"


def summarise(findings: Iterable[Finding]) -> list[str]:
    """One line a rule, with its count, for a log."""
    counts = count_findings(findings)
    return [f"{count} × {rule}: {RULES[rule].what}" for rule, count in counts.items()]
