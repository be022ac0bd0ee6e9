"""One name for one species, and the same classes in every split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.checks.naming import same_names
from fish_dataset.validation.repairing.changes import Changes


def with_one_class_list(
    datas: Mapping[str, Annotations], changes: Changes
) -> dict[str, Annotations]:
    """The splits with one class list: spellings and synonyms joined, missing classes added.

    The name with most boxes in all splits is taken, of equal ones the first; the order is that of
    the first split, with further classes at its end.
    """
    names = list(dict.fromkeys(name for data in datas.values() for name in data.classes))
    counts: Counter[str] = Counter()
    for data in datas.values():
        counts.update(dict(zip(data.classes, _all_boxes(data), strict=True)))
    new_name = {name: name for name in names}
    for rule, alike in same_names(names):
        best = max(alike, key=lambda name: counts[name])
        for name in alike:
            new_name[name] = best
            if name != best:
                detail = f"→ {best!r} ({counts[name]} boxes)"
                changes.add(rule, "class renamed", "", name, detail)
    classes = tuple(dict.fromkeys(new_name[name] for name in names))
    return {
        split: _renamed(split, data, new_name, classes, changes) for split, data in datas.items()
    }


def _all_boxes(data: Annotations) -> list[int]:
    return (data.boxes_per_class() + data.ignored_per_class()).tolist()


def _renamed(
    split: str,
    data: Annotations,
    new_name: Mapping[str, str],
    classes: Sequence[str],
    changes: Changes,
) -> Annotations:
    own = {new_name[name] for name in data.classes}
    for name in classes:
        if name not in own:
            changes.add("class-set", "class added to the split's list", split, name)
    labels = np.array([classes.index(new_name[name]) for name in data.classes], dtype=np.int64)
    return replace(
        data,
        classes=tuple(classes),
        labels=labels[data.labels] if len(labels) else np.zeros(0, np.int64),
    )
