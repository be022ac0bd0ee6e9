"""One finding about an installation, as data."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass

OK, WARN, FAIL = "ok", "warn", "fail"
PIP = f"{sys.executable} -m pip"  # whichever "python" a shell finds may be another one


@dataclass(frozen=True)
class Check:
    """What was looked at, what was found, and what to do about it.

    Attributes:
        name: what was looked at.
        status: ``'ok'``; ``'warn'``, the main job runs but something may go wrong; or
            ``'fail'``, it does not run.
        detail: what was found.
        remedy: a command or an action; empty where there is nothing to do.
    """

    name: str
    status: str
    detail: str
    remedy: str = ""


def can_run(checks: Iterable[Check]) -> bool:
    """Return whether nothing stands in the way of the main job."""
    return all(check.status != FAIL for check in checks)
