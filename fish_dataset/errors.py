"""The one exception of the data side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fish_dataset.findings import Finding


class FishDataError(Exception):
    """A fault in somebody's data. The message alone tells the user what to do.

    Args:
        message: Names file, field, value and remedy.
        findings: The faults behind the message as data, where there are any.
    """

    def __init__(self, message: str, findings: Sequence[Finding] = ()) -> None:
        super().__init__(message)
        self.findings = tuple(findings)
