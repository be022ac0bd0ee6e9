"""Which pictures belong together: of one video, site or day, or by what their names tell.

A split that parts them shows the same fish, background and light on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.errors import FishDataError
from fish_dataset.splits.names import name_keys
from fish_dataset.strings import Strings

BUILT_IN = ("name", "folder", "day", "image")
"""Keys that need no metadata."""

_DAY = re.compile(
    r"(?<!\d)((?:19|20)\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])"
    r"(?=\d{4}(?:\d\d)?(?!\d)|\D|$)"  # a time of day may follow at once
)


@dataclass(frozen=True)
class Groups:
    """G groups of N pictures.

    Attributes:
        index: (N,) int64, the group of each picture, numbered 0 … G - 1 by first appearance.
        names: G names, such as a video's.
        rule: In words, by what the pictures were grouped.
    """

    index: np.ndarray
    names: tuple[str, ...]
    rule: str


def group_keys(annotations: Annotations, by: Sequence[str] | None = None) -> tuple[np.ndarray, str]:
    """The group of each picture and, in words, by what they were grouped; see ``find_groups``."""
    groups = find_groups(annotations, by)
    return groups.index, groups.rule


def find_groups(annotations: Annotations, by: Sequence[str] | None = None) -> Groups:
    """Group pictures so that those which share a key are together.

    Args:
        annotations: N pictures.
        by: One or several of: a column of ``image_meta`` ('video', 'site', …); 'name', the rule of
            ``splits.names``; 'folder', the folder in the file name; 'day', a column of that
            name or a date in the file name; 'image', each picture alone; 'name=REGEX', what the
            first group of a regular expression finds in the file name. Pictures that share any
            one of several keys are together, so that none of them crosses. None: 'video' where
            the pictures have it, else 'site', else 'name'.

    Raises:
        FishDataError: a key that the pictures do not have, or a REGEX that is none.
    """
    wanted = tuple(by) if by else (default_key(annotations),)
    columns = [_column(annotations, key) for key in wanted]
    index = _numbered(columns[0][0])
    for keys, _ in columns[1:]:
        index = _joined(index, _numbered(keys))
    names = _names(index, [keys for keys, _ in columns])
    rule = " and ".join(words for _, words in columns)
    return Groups(index, names, f"{rule}: {len(names)} groups, {annotations.num_images} pictures")


def has_key(annotations: Annotations, key: str) -> bool:
    """Whether ``image_meta`` has a column ``key`` with a value for some picture."""
    column = annotations.image_meta.get(key)
    return column is not None and any(column)


def default_key(annotations: Annotations) -> str:
    """'video' where the pictures have it, else 'site', else 'name'."""
    return next((key for key in ("video", "site") if has_key(annotations, key)), "name")


def _column(annotations: Annotations, key: str) -> tuple[list[str], str]:
    """N keys and the words for the rule."""
    names = annotations.file_names
    if has_key(annotations, key):
        return _from_metadata(annotations, key)
    if key == "name":
        keys = name_keys(names)
        return keys, f"name (as file names tell, {_example(names, keys)})"
    if key == "folder":
        return [name.rpartition("/")[0] for name in names], "folder of the file name"
    if key == "image":
        return list(names), "image (each alone)"
    if key == "day":
        return _by_pattern(names, _DAY, "day (a date in the file name)")
    if key.startswith("name="):
        return _by_pattern(names, _compiled(key[5:]), key)
    held = {k for k in annotations.image_meta if has_key(annotations, k)} - {"frame", "source_id"}
    known = sorted(held | {*BUILT_IN})
    raise FishDataError(
        f"group key {key!r}: no picture has it; choose of {', '.join(known)} or name=REGEX"
    )


def _from_metadata(annotations: Annotations, key: str) -> tuple[list[str], str]:
    values = list(annotations.image_meta[key])
    gaps = [row for row, value in enumerate(values) if not value]
    if not gaps:
        return values, key
    told = name_keys(annotations.file_names[row] for row in gaps)
    for row, name in zip(gaps, told, strict=True):
        values[row] = f"by name: {name}"
    return values, f"{key} ({len(gaps)} pictures without one by their file names)"


def _by_pattern(
    names: Sequence[str] | Strings, pattern: re.Pattern, words: str
) -> tuple[list[str], str]:
    found = [pattern.search(name) for name in names]
    missed = found.count(None)
    if missed and missed == len(found):
        raise FishDataError(f"group key {words}: found in no file name; the first is {names[0]!r}")
    keys = [
        "-".join(group or "" for group in match.groups()) if match else f"image {name}"
        for name, match in zip(names, found, strict=True)
    ]
    return keys, words + (f", {missed} pictures without one each alone" if missed else "")


def _compiled(text: str) -> re.Pattern:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise FishDataError(f"group key 'name={text}': no regular expression: {error}") from error
    if pattern.groups < 1:
        raise FishDataError(
            f"group key 'name={text}': put round brackets about the part that names the group"
        )
    return pattern


def _example(names: Strings, keys: Sequence[str]) -> str:
    """The largest group's first picture, as an example of the guess."""
    if not keys:
        return "no picture"
    index = _numbered(keys)
    row = int(np.flatnonzero(index == np.bincount(index).argmax())[0])
    return f"such as {names[row]!r} → {keys[row]!r}"


def _numbered(keys: Sequence[str]) -> np.ndarray:
    """(N,) int64, equal keys as equal numbers, by first appearance."""
    numbers: dict[str, int] = {}
    rows = (numbers.setdefault(key, len(numbers)) for key in keys)
    return np.fromiter(rows, np.int64, len(keys))


def _joined(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(N,) int64 numbers of the parts that hang together by either numbering."""
    parent = list(range(int(one.max(initial=-1)) + 1))

    def root(group: int) -> int:
        while parent[group] != group:
            parent[group] = group = parent[parent[group]]
        return group

    met: dict[int, int] = {}
    for group, key in zip(one.tolist(), other.tolist(), strict=True):
        parent[root(group)] = root(met.setdefault(key, group))
    roots = np.array([root(group) for group in range(len(parent))], dtype=np.int64)
    return _renumbered(roots[one])


def _renumbered(index: np.ndarray) -> np.ndarray:
    """The same groups, numbered by first appearance."""
    _, first, inverse = np.unique(index, return_index=True, return_inverse=True)
    order = np.empty(len(first), dtype=np.int64)
    order[np.argsort(first)] = np.arange(len(first))
    return order[inverse.reshape(-1)]


def _names(index: np.ndarray, columns: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The keys of each group's first picture."""
    _, rows = np.unique(index, return_index=True)
    return tuple(" / ".join(column[row] for column in columns) for row in rows.tolist())
