"""Several data sets into one, by what their classes mean.

What becomes of the boxes:

- Classes of one meaning become one class (``class_map``); no box is lost by that.
- Boxes of a wider class ('fish' beside species) follow the policy: ignored regions, which are
  neither background in training nor false alarms in evaluation; one class 'fish'; or as they are.
- A species that a set does not label may swim in its pictures all the same. Nothing in the files
  tells where, so those fish count as background in training and as false alarms in evaluation.
  The report lists such species by set, and each picture keeps its set in the metadata 'source'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.errors import FishDataError
from fish_dataset.folder import Part
from fish_dataset.joining import all_classes, join, shared_names, take
from fish_dataset.merge.class_identity import NameStyle
from fish_dataset.merge.class_map import ClassMap, Policy, map_classes
from fish_dataset.merge.same_files import equal_files
from fish_dataset.strings import Strings

Duplicates = Literal["keep", "drop"]
Sets = Mapping[str, Mapping[str, Part]]
"""Parts by split, by set."""


@dataclass(frozen=True)
class Place:
    """One picture of one set: its set, split and row there, and its file name."""

    set_name: str
    split: str
    row: int
    file_name: str


@dataclass(frozen=True)
class Merged:
    """Several data sets as one.

    Attributes:
        parts: By split, all with the same classes.
        class_map: What became of the classes of each set.
        boxes_in: Boxes of each class, by set and class as spelled there.
        boxes_dropped: Those of pictures that were left out, the same way.
        boxes_ignored: Those of pictures that were kept which the set itself marks as ignored or
            crowd, the same way.
        repeats: Pictures of the same bytes in two sets, each with the first of its kind first.
        dropped: Whether the later ones of ``repeats`` were left out.
    """

    parts: dict[str, Part]
    class_map: ClassMap
    boxes_in: dict[str, dict[str, int]]
    boxes_dropped: dict[str, dict[str, int]]
    boxes_ignored: dict[str, dict[str, int]]
    repeats: tuple[tuple[Place, ...], ...]
    dropped: bool


def merge_sets(
    sets: Sets,
    *,
    names: NameStyle = "first",
    unknown: Policy = "ignore",
    duplicates: Duplicates = "keep",
) -> Merged:
    """Merge data sets: train with train, val with val, test with test.

    Args:
        sets: Parts of each set; set names become the first folder of file names.
        names: See ``class_name``.
        unknown: See ``map_classes``.
        duplicates: Pictures that an earlier set has too, byte for byte: 'keep' them, or 'drop'
            them with their boxes.

    Raises:
        FishDataError: fewer than two sets, an unknown option, or pictures that are not there.
    """
    if len(sets) < 2:
        raise FishDataError("merge: at least two data sets are needed")
    class_map = map_classes(
        {name: all_classes(list(parts.values())) for name, parts in sets.items()},
        names=names,
        unknown=unknown,
    )
    repeats = find_repeats(sets)
    dropping = duplicates == "drop"
    later = {(p.set_name, p.split, p.row) for group in repeats for p in group[1:] if dropping}
    kept = {
        name: {split: _without(part, name, split, later) for split, part in parts.items()}
        for name, parts in sets.items()
    }
    counts = {name: _boxes(parts) for name, parts in sets.items()}
    left = {name: _boxes(parts) for name, parts in kept.items()}
    return Merged(
        parts=_joined(kept, class_map),
        class_map=class_map,
        boxes_in=counts,
        boxes_dropped={
            name: {c: count - left[name].get(c, 0) for c, count in by_class.items()}
            for name, by_class in counts.items()
        },
        boxes_ignored={
            name: _boxes(parts, Annotations.ignored_per_class) for name, parts in kept.items()
        },
        repeats=repeats,
        dropped=dropping,
    )


def find_repeats(sets: Sets) -> tuple[tuple[Place, ...], ...]:
    """Pictures of the same bytes in different sets, earlier sets first."""
    places = [
        Place(name, split, row, file_name)
        for name, parts in sets.items()
        for split, part in parts.items()
        for row, file_name in enumerate(part.annotations.file_names)
    ]
    paths = [
        path
        for parts in sets.values()
        for part in parts.values()
        for path in join([part], [""]).sources or ()
    ]
    groups = ([places[i] for i in group] for group in equal_files(paths))
    return tuple(tuple(g) for g in groups if len({place.set_name for place in g}) > 1)


def relabelled(
    annotations: Annotations, classes: tuple[str, ...], labels: np.ndarray, ignored: np.ndarray
) -> Annotations:
    """The same boxes under other classes.

    Args:
        annotations: Boxes of C classes.
        classes: The new ones.
        labels: (C,) new label of each old class.
        ignored: (C,) bool, old classes whose boxes become ignored regions: ``ignore``, which we
            heed, and ``crowd``, which other tools heed, since their label says nothing.
    """
    region = ignored[annotations.labels]
    return replace(
        annotations,
        classes=classes,
        labels=labels[annotations.labels],
        ignore=annotations.ignore | region,
        crowd=annotations.crowd | region,
    )


def _without(part: Part, set_name: str, split: str, later: set[tuple[str, str, int]]) -> Part:
    rows = [r for r in range(part.annotations.num_images) if (set_name, split, r) not in later]
    return part if len(rows) == part.annotations.num_images else take(part, np.array(rows, int))


def _all_per_class(data: Annotations) -> np.ndarray:
    return data.boxes_per_class() + data.ignored_per_class()


def _boxes(
    parts: Mapping[str, Part], count: Callable[[Annotations], np.ndarray] = _all_per_class
) -> dict[str, int]:
    """Boxes by class, ignored ones too unless ``count`` says otherwise."""
    counts: dict[str, int] = {}
    for part in parts.values():
        data = part.annotations
        for name, number in zip(data.classes, count(data).tolist(), strict=True):
            counts[name] = counts.get(name, 0) + number
    return counts


def _joined(sets: Sets, class_map: ClassMap) -> dict[str, Part]:
    splits = [s for s in ("train", "val", "test") if any(s in parts for parts in sets.values())]
    joined = {}
    for split in splits:
        parts, prefixes = [], []
        for name, by_split in sets.items():
            if split in by_split:
                parts.append(_mapped(by_split, split, name, class_map))
                clash = shared_names(list(by_split.values()))
                prefixes.append(f"{name}/{split}/" if clash else f"{name}/")
        joined[split] = join(parts, prefixes)
    return joined


def _mapped(parts: Mapping[str, Part], split: str, name: str, class_map: ClassMap) -> Part:
    part = parts[split]
    data = part.annotations
    number = {spelled: i for i, spelled in enumerate(all_classes(list(parts.values())))}
    order = np.array([number[spelled] for spelled in data.classes], dtype=np.int64)
    labels, ignored = class_map.labels(name)[order], class_map.ignored(name)[order]
    source = Strings.of([name] * data.num_images)
    new = relabelled(data, class_map.classes, labels, ignored)
    new = replace(new, image_meta={**data.image_meta, "source": source})
    return Part(new, part.image_dir, part.sources)
