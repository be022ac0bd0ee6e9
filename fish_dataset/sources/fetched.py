"""What came of fetching a public set, as data and as words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from fish_dataset.conversion import Conversion
from fish_dataset.formats.account import print_account
from fish_dataset.sources import Source
from fish_dataset.validation.run import SEVERITIES, Report

ORIGIN = "source.json"
_SHOWN = 20  # pictures that could not be had


@dataclass
class Fetched:
    """What came of it.

    Attributes:
        files: Each file that was used: where from, size, SHA-256, whether that was compared.
        faults: Pictures that could not be had, in words.
        conversion: How its annotations were read; None where it was only unpacked.
        report: What the checks found; None likewise.
    """

    files: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    conversion: Conversion | None = None
    report: Report | None = None

    @property
    def status(self) -> int:
        """Exit status: 1 where the checks found errors or boxes were lost, else 0."""
        counts = self.conversion.account["boxes"] if self.conversion else {"in": 0, "out": 0}
        return int(bool(self.report and self.report.status) or counts["in"] != counts["out"])


def origin(source: Source, files: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Where a data folder comes from, as JSON data: what a paper that uses it has to name."""
    return {
        "name": source.name,
        "title": source.title,
        "home": source.says("home"),
        "licence": source.says("licence"),
        "citation": source.says("citation"),
        "files": list(files),
    }


def print_fetched(done: Fetched, console: Console) -> None:
    """Print what is missing, the account of the conversion and the totals of the checks."""
    for fault in done.faults[:_SHOWN]:
        console.print(f"missing: {fault}", highlight=False, markup=False, soft_wrap=True)
    if len(done.faults) > _SHOWN:
        console.print(f"… and {len(done.faults) - _SHOWN} more pictures", highlight=False)
    for file in done.files:
        if not file.get("checked", True):
            line = f"{file['file']}: no checksum is published; sha256 {file['sha256']}"
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    if done.conversion is not None:
        print_account(done.conversion.account, console)
    if done.report is not None:
        totals = ", ".join(f"{done.report.total(kind)} {kind}" for kind in SEVERITIES)
        console.print(f"checks: {totals} (validate.py shows them)", highlight=False)
