"""Checks of the parameters that a config gives a transform."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from fish_dataset.errors import FishDataError


def number(owner: object, name: str, value: Any, low: float, high: float = math.inf) -> float:
    """Return ``value`` as a number from ``low`` to ``high``.

    Raises:
        FishDataError: it is no such number; the message names the transform and the parameter.
    """
    if not _is_number(value) or not low <= value <= high:
        raise FishDataError(f"{_title(owner)}: {name}={value!r} is no number {_span(low, high)}")
    return float(value)


def whole(owner: object, name: str, value: Any, low: int) -> int:
    """Return ``value`` as a whole number from ``low``; raises as ``number`` does."""
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        raise FishDataError(f"{_title(owner)}: {name}={value!r} is no whole number from {low}")
    return value


def span(
    owner: object, name: str, value: Any, low: float, high: float = math.inf
) -> tuple[float, float]:
    """Return ``value`` as the two ends of a range within ``low`` to ``high``.

    Raises:
        FishDataError: it is not two such numbers in ascending order.
    """
    fits = isinstance(value, Sequence) and len(value) == 2 and all(map(_is_number, value))
    if not fits or not low <= value[0] <= value[1] <= high:
        raise FishDataError(
            f"{_title(owner)}: {name}={value!r} is no pair (from, to) of numbers {_span(low, high)}"
        )
    return float(value[0]), float(value[1])


def choices(owner: object, name: str, value: Any, known: Sequence[str]) -> tuple[str, ...]:
    """Return ``value``, a name or several, as a tuple of names from ``known``.

    Raises:
        FishDataError: it is empty or holds a name that is not known.
    """
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, Sequence) or not names or any(item not in known for item in names):
        raise FishDataError(
            f"{_title(owner)}: {name}={value!r}; it takes one or several of {', '.join(known)}"
        )
    return tuple(names)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _span(low: float, high: float) -> str:
    return f"from {low:g}" if math.isinf(high) else f"from {low:g} to {high:g}"


def _title(owner: object) -> str:
    return type(owner).__name__
