"""Sites and videos that a split parts, since it was made by another key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.splits.grouping import default_key, has_key

_KEYS = ("video", "site")


def crossing_notes(
    annotations: Annotations, parts: Mapping[str, np.ndarray], by: Sequence[str] | None
) -> list[str]:
    """A warning for each key of the metadata whose values stand in several parts.

    Videos of one site share its background and light: scores on them say nothing about new sites.

    Args:
        annotations: N pictures.
        parts: Rows of each part, the first of them train or a fold.
        by: The keys that the split was made by; None for the default.
    """
    used = tuple(by or (default_key(annotations),))
    notes = []
    for key in _KEYS:
        if key in used or not has_key(annotations, key):
            continue
        values = np.array(list(annotations.image_meta[key]))
        crossed, held = _crossed(values, parts)
        if len(crossed):
            told = ", ".join(f"{count} of {total} in {name}" for name, count, total in held)
            keys = " ".join(dict.fromkeys([*used, key]))
            notes.append(
                f"warning: {len(crossed)} of {len(set(values) - {''})} {key}s stand in several "
                f"parts (such as {crossed[0]!r}); pictures of a {key} that another part has: "
                f"{told}; --by {key} keeps each {key} in one part, --by {keys} both"
            )
    return notes


def _crossed(
    values: np.ndarray, parts: Mapping[str, np.ndarray]
) -> tuple[list[str], list[tuple[str, int, int]]]:
    """Values in several parts; and for each part its name, its pictures of such, all of them."""
    where: dict[str, set[str]] = {}
    for name, rows in parts.items():
        for value in np.unique(values[rows]).tolist():
            where.setdefault(value, set()).add(name)
    crossed = sorted(value for value, names in where.items() if value and len(names) > 1)
    held = [(n, int(np.isin(values[r], crossed).sum()), len(r)) for n, r in parts.items()]
    return crossed, [one for one in held if one[1]]
