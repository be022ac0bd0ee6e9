"""Checks as text for a terminal and as JSON for a program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import zip_longest

from .check import FAIL, WARN, Check, can_run


def as_text(checks: Sequence[Check]) -> str:
    """Return one line a check, a remedy below the checks that it is for, and the verdict."""
    width = max((len(check.name) for check in checks), default=0)
    lines = []
    for check, following in zip_longest(checks, checks[1:]):
        lines.append(f"{check.status:<4}  {check.name:<{width}}  {check.detail}")
        if check.remedy and (following is None or following.remedy != check.remedy):
            lines.append(f"{'':<6}{'':<{width}}  fix: {check.remedy}")
    return "\n".join([*lines, "", verdict(checks)])


def verdict(checks: Sequence[Check]) -> str:
    """Return the closing line."""
    failed = [check.name for check in checks if check.status == FAIL]
    warned = [check.name for check in checks if check.status == WARN]
    if failed:
        return f"The main job cannot run: {', '.join(failed)}."
    if warned:
        return f"The main job can run; look at: {', '.join(warned)}."
    return "All is well."


def as_json(checks: Sequence[Check]) -> str:
    """Return ``{"can_run": bool, "checks": [{name, status, detail, remedy}, …]}``."""
    content = {"can_run": can_run(checks), "checks": [asdict(check) for check in checks]}
    return json.dumps(content, indent=1, ensure_ascii=False)
