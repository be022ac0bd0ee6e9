"""Sizes that a stranger's data must keep to, checked before anything is built from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fishdet.errors import FishdetError

# A DINO with Swin-L has a header of 0.3 MB, its config 40 kB and some 2,000 values.
MAX_TEXT = 4 * 2**20
MAX_DEPTH = 48
MAX_VALUES = 100_000
MAX_NUMBER = 2**20
MAX_PIXELS = 16_384
# What makes memory grow with no weight in the file to show for it, by field.
FIELD_LIMITS = {
    "dilation": 128,
    "dilations": 128,
    "padding": 128,
    "kernel_size": 1024,
    "output_size": 128,
    "roi_feat_size": 128,
    "sampling_ratio": 16,
    "pad_size_divisor": 1024,
    "size_divisor": 1024,
    "scale": MAX_PIXELS,
    "img_scale": MAX_PIXELS,
    "size": MAX_PIXELS,
    "scale_factor": 16,
}


def parse_json(text: str | bytes, where: str) -> Any:
    """Return JSON from an unknown author as plain data.

    Args:
        text: at most ``MAX_TEXT`` long, nested at most ``MAX_DEPTH`` deep.
        where: what the text is, for messages.

    Raises:
        FishdetError: too long, too deep, too many values, a key twice, or no JSON.
    """
    if len(text) > MAX_TEXT:
        raise FishdetError(f"{where}: {len(text):,} bytes of JSON; at most {MAX_TEXT:,} are read")
    try:
        value = json.loads(text, object_pairs_hook=_unique)
    except RecursionError as error:
        raise FishdetError(_too_deep(where)) from error
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise FishdetError(f"{where}: no JSON: {error}") from error
    require_shape(value, where)
    return value


def require_shape(value: Any, where: str) -> None:
    """Refuse data that is nested too deep or holds too many values; no recursion is used.

    Raises:
        FishdetError: names the limit.
    """
    level, depth, seen = [value], 0, 0
    while level:
        seen, depth = seen + len(level), depth + 1
        if depth > MAX_DEPTH:
            raise FishdetError(_too_deep(where))
        if seen > MAX_VALUES:
            raise FishdetError(f"{where}: more than {MAX_VALUES:,} values")
        level = [item for one in level for item in _children(one)]


def require_small_numbers(value: Any, where: str) -> None:
    """Refuse a model or pipeline config with numbers that ask for memory or time without end.

    Whole numbers are at most ``MAX_NUMBER``, and less in the fields of ``FIELD_LIMITS``.

    Raises:
        FishdetError: names field, value and limit.
    """
    for field, number in numbers(value, where):
        limit = FIELD_LIMITS.get(field.rpartition(".")[2].partition("[")[0])
        if limit is None and isinstance(number, float):
            continue
        if abs(number) > (limit or MAX_NUMBER):
            raise FishdetError(
                f"the checkpoint's config has {field} = {number}; at most {limit or MAX_NUMBER} is "
                "built from a file. If you trust it, pass its config by --config"
            )


def numbers(value: Any, where: str) -> Iterator[tuple[str, int | float]]:
    """Yield the dotted name and value of every number in nested data."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from numbers(item, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from numbers(item, f"{where}[{index}]")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield where, value


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else []


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"a key stands twice in the object with {', '.join(list(found)[:5])}")
    return found


def _too_deep(where: str) -> str:
    return f"{where}: nested deeper than {MAX_DEPTH} levels"
