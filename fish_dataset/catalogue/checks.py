"""Checks of single values of a catalogue file.

A check takes a value as TOML gave it and returns it as the entry keeps it, or raises ``Wrong``
with what was expected; the reader adds the file, the entry and the field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

Check = Callable[[Any], Any]


class Wrong(Exception):
    """A value that its field does not take; the text says what it takes."""


def text(value: Any) -> str:
    """Text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise Wrong('takes text in quotes, such as "…"')
    return value


def maybe_text(value: Any) -> str:
    """Text, which may be empty."""
    if not isinstance(value, str):
        raise Wrong('takes text in quotes, such as "…"')
    return value


def texts(value: Any) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise Wrong('takes a list of texts, such as ["…", "…"]')
    return tuple(value)


def whole(low: int, high: int) -> Check:
    """A whole number from ``low`` to ``high``."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise Wrong(f"takes a whole number from {low} to {high}")
        return value

    return check


def positive(value: Any) -> float:
    """A number above 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e6:
        raise Wrong("takes a number above 0")
    return float(value)


def choice(options: tuple[str, ...]) -> Check:
    """One of ``options``."""

    def check(value: Any) -> str:
        if value not in options:
            raise Wrong(f"takes one of {', '.join(options)}")
        return str(value)

    return check


def day(value: Any) -> str:
    """A day of the year, ``MM-DD``."""
    if not isinstance(value, str) or not re.fullmatch(r"(0[1-9]|1[0-2])-([0-2]\d|3[01])", value):
        raise Wrong('takes a day as "MM-DD", such as "05-31"')
    return value


def list_of(check: Check) -> Check:
    """A list whose every member passes ``check``."""

    def check_all(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise Wrong("takes a list, [ … ]")
        return tuple(map(check, value))

    return check_all


def record(kind: Callable[..., Any], checks: Mapping[str, Check], *needed: str) -> Check:
    """A table whose keys pass ``checks``; those in ``needed`` must be there."""

    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            raise Wrong(f"takes a table with {', '.join(checks)}")
        missing = [key for key in needed if key not in value]
        if missing:
            raise Wrong(f"lacks {', '.join(missing)}")
        return kind(**{key: _member(checks, key, member) for key, member in value.items()})

    return check


def unknown_key(key: str, known: Mapping[str, Check]) -> str:
    """Return what to say of a key that is none of ``known``."""
    near = get_close_matches(key, known, n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    return f"{meant}known are {', '.join(known)}"


def _member(checks: Mapping[str, Check], key: str, value: Any) -> Any:
    if key not in checks:
        raise Wrong(f"has no {key!r}: {unknown_key(key, checks)}")
    try:
        return checks[key](value)
    except Wrong as wrong:
        raise Wrong(f"its {key!r} {wrong}, not {value!r}") from None
