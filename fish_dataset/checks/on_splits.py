"""Findings on what splits have in common and what they have not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np

from fish_dataset.checks.groups import ALIKE, borders, crossing, random_bits
from fish_dataset.checks.naming import same_names
from fish_dataset.checks.on_pictures import bits_between
from fish_dataset.checks.subject import Log, Subject
from fish_dataset.classes import class_difference, folded
from fish_dataset.splits.names import name_keys

_BY_META = {"video": "group-leak", "site": "group-site"}


def check_classes(subject: Subject, log: Log) -> None:
    """Class lists that differ between splits, classes of one split only, names for one species."""
    datas = {split: subject.data(split) for split in subject.splits}
    for one, other in combinations(datas, 2):
        difference = class_difference(datas[one].classes, datas[other].classes)
        if difference is not None:
            log.add("class-set", other, "categories", f"against {one}:\n{difference}")
    names = list(dict.fromkeys(name for data in datas.values() for name in data.classes))
    for rule, alike in same_names(names):
        told_by_loader = len({folded(name) for name in alike}) == 1 and any(
            set(alike) <= set(data.classes) for data in datas.values()
        )
        if not told_by_loader:
            log.add(rule, "", "categories", ", ".join(map(repr, alike)))
    _check_use(subject, log, names)


def _check_use(subject: Subject, log: Log, names: Sequence[str]) -> None:
    used = {
        split: dict(zip(data.classes, data.boxes_per_class().tolist(), strict=True))
        for split, data in ((split, subject.data(split)) for split in subject.splits)
    }
    for name in names:
        counts = {split: used[split].get(name, 0) for split in subject.splits}
        told = ", ".join(f"{count} in {split}" for split, count in counts.items())
        if not any(counts.values()):
            log.add("class-unused", "", "categories", f"{name!r}: {told}")
        elif not all(counts.values()):
            log.add("class-one-split", "", "categories", f"{name!r}: boxes {told}")


def check_groups(subject: Subject, log: Log) -> str:
    """Videos, sites and series of names on two sides.

    Returns:
        In words, by what pictures were grouped.
    """
    if len(subject.splits) < 2:
        return "one split only: nothing can cross"
    told = []
    for key, rule in _BY_META.items():
        values = _metadata(subject, key)
        if any(values):
            told.append(f"by {key}, as the files say")
            _check_metadata(subject, log, rule, key, values)
    unknown = np.array([not video for video in _metadata(subject, "video")], dtype=bool)
    if unknown.any():
        told.append(_check_names(subject, log, unknown))
    return "; ".join(told)


def _metadata(subject: Subject, key: str) -> list[str]:
    values: list[str] = []
    for split in subject.splits:
        data = subject.data(split)
        values += data.image_meta.get(key, [""] * data.num_images)
    return values


def _check_metadata(subject: Subject, log: Log, rule: str, key: str, values: Sequence[str]) -> None:
    index, names = _numbered(values)
    rows = _members(index)
    for group in crossing(index, subject.split_of).tolist():
        _tell(subject, log, rule, f"{key} {names[group]!r}", rows(group))


def _check_names(subject: Subject, log: Log, unknown: np.ndarray) -> str:
    """Series that the names of pictures of ``unknown`` (N,) video suggest and likeness bears out;
    returns the guess in words."""
    keys = name_keys(subject.names)
    index, names = _numbered([key if here else "" for key, here in zip(keys, unknown, strict=True)])
    crossed = crossing(index, subject.split_of)
    usable = subject.hashed & (index >= 0)
    pairs = borders(index, subject.split_of, subject.order, usable)
    bits, usual = bits_between(subject, pairs), random_bits(subject.facts.hashes, subject.hashed)
    rows, at_borders = _members(index), _members(index[pairs[:, 0]])
    believed = 0
    for group in crossed.tolist():
        here = at_borders(group)
        if len(here) and np.median(bits[here]) <= ALIKE * usual:
            believed += 1
            value = (
                f"series {names[group]!r} by file names: its pictures differ in "
                f"{np.median(bits[here]):g} of 128 bits where it changes its split, "
                f"random pictures in {usual:g}"
            )
            _tell(subject, log, "group-guess", value, rows(group))
    row = int(np.argmax(unknown))
    example = f", such as {subject.names[row]!r} → {names[index[row]]!r}"
    return (
        f"by file names, a guess: {len(names)} series{example}; {len(crossed)} stand in two "
        f"splits, likeness bears out {believed} of them"
    )


def _tell(subject: Subject, log: Log, rule: str, value: str, rows: np.ndarray) -> None:
    counts = np.bincount(subject.split_of[rows], minlength=len(subject.splits))
    told = ", ".join(f"{n} in {s}" for s, n in zip(subject.splits, counts, strict=True) if n)
    firsts = [rows[subject.split_of[rows] == split][0] for split in np.flatnonzero(counts)]
    log.add(rule, "", "images", f"{value}: {told}", [subject.spot(int(row)) for row in firsts])


def _members(index: np.ndarray) -> Callable[[int], np.ndarray]:
    """A function that gives the ascending positions of a value in ``index``; it sorts once."""
    order = np.argsort(index, kind="stable")
    ordered = index[order]

    def rows(value: int) -> np.ndarray:
        return order[np.searchsorted(ordered, value) : np.searchsorted(ordered, value + 1)]

    return rows


def _numbered(values: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """(N,) int64 number of each value, -1 for an empty one; the values by number."""
    numbers: dict[str, int] = {}
    rows = [numbers.setdefault(value, len(numbers)) if value else -1 for value in values]
    return np.array(rows, dtype=np.int64), list(numbers)
