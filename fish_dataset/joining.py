"""Several ``Annotations`` end to end, and one cut to some of its rows with its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.folder import Part
from fish_dataset.strings import Strings

_AS_THEY_ARE = ("widths", "heights", "bboxes", "crowd", "ignore", "areas")


def all_classes(parts: Sequence[Part]) -> tuple[str, ...]:
    """The classes of all parts by first appearance."""
    return tuple(dict.fromkeys(name for part in parts for name in part.annotations.classes))


def join(parts: Sequence[Part], prefixes: Sequence[str]) -> Part:
    """The pictures and boxes of all parts, in that order, as one part.

    Args:
        parts: At least one. Classes are told apart by name, whatever their order in each part.
        prefixes: What goes before the file names of each part, such as ``'kakadu/'``; the names
            must be unique then.

    Returns:
        Image and box ids from 1, classes by first appearance, all metadata columns ('' where a
        part has none), and the paths of the pictures in ``sources``.

    Raises:
        ValueError: file names that are not unique.
    """
    every = [part.annotations for part in parts]
    classes = all_classes(parts)
    sizes = [one.num_images for one in every]
    before = np.cumsum([0, *sizes[:-1]])
    columns = {name: np.concatenate([getattr(one, name) for one in every]) for name in _AS_THEY_ARE}
    columns["labels"] = np.concatenate([_labels_in(one, classes) for one in every])
    columns["box_image"] = np.concatenate(
        [one.box_image + start for one, start in zip(every, before, strict=True)]
    )
    names = [
        prefix + name
        for one, prefix in zip(every, prefixes, strict=True)
        for name in one.file_names
    ]
    if len(set(names)) != len(names):
        raise ValueError("joined file names are not unique")
    joined = Annotations(
        classes=classes,
        image_ids=np.arange(1, sum(sizes) + 1),
        file_names=Strings.of(names),
        box_ids=np.arange(1, len(columns["labels"]) + 1),
        image_meta=_meta(every),
        **columns,
    )
    return Part(joined, parts[0].image_dir, Strings.of(_paths(parts)))


def take(part: Part, rows: np.ndarray) -> Part:
    """The pictures at ``rows`` (n,) of a part with their boxes; ids stay."""
    sources = None if part.sources is None else part.sources.take(rows)
    return Part(part.annotations.select_images(rows), part.image_dir, sources)


def renumbered(part: Part) -> Part:
    """The same part with image and box ids from 1."""
    return Part(join([part], [""]).annotations, part.image_dir, part.sources)


def shared_names(parts: Sequence[Part]) -> int:
    """File names that stand in more than one of the parts."""
    names = [name for part in parts for name in part.annotations.file_names]
    return len(names) - len(set(names))


def _labels_in(annotations: Annotations, classes: Sequence[str]) -> np.ndarray:
    number = {name: label for label, name in enumerate(classes)}
    table = np.array([number[name] for name in annotations.classes], dtype=np.int32)
    return table[annotations.labels]


def _meta(every: Sequence[Annotations]) -> dict[str, Strings]:
    keys = dict.fromkeys(key for one in every for key in one.image_meta)
    return {
        key: Strings.of(
            value for one in every for value in one.image_meta.get(key, [""] * one.num_images)
        )
        for key in keys
    }


def _paths(parts: Sequence[Part]) -> list[str]:
    paths = []
    for part in parts:
        folder = Path(part.image_dir).resolve()
        paths += [str(folder / name) for name in part.sources or part.annotations.file_names]
    return paths
