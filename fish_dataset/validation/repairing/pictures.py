"""Pictures that a folder holds twice: entries for one file, copies, leaks between splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.checks.duplicates import first_of_same
from fish_dataset.validation.repairing.changes import Changes


def with_one_entry_each(split: str, data: Annotations, changes: Changes) -> Annotations:
    """``data`` with the boxes of all entries for one file in the first of them."""
    first: dict[str, int] = {}
    target = np.array(
        [first.setdefault(name, row) for row, name in enumerate(data.file_names)], dtype=np.int64
    )
    again = np.flatnonzero(target != np.arange(len(target)))
    if not len(again):
        return data
    for row in again:
        changes.add("image-file-duplicate", "entries joined", split, data.file_names[int(row)])
    moved = target[data.box_image]
    order = np.argsort(moved, kind="stable")
    columns = ("box_ids", "bboxes", "labels", "crowd", "ignore", "areas")
    joined = replace(
        data, box_image=moved[order], **{name: getattr(data, name)[order] for name in columns}
    )
    return joined.select_images(target == np.arange(len(target)))


def without_copies(
    datas: Mapping[str, Annotations], digests: Mapping[str, np.ndarray], changes: Changes
) -> dict[str, Annotations]:
    """Each picture once: in the last of test, val, train that has it, from the entry of most boxes.

    What is measured on stays, and what is learned from gives way.

    Args:
        datas: The splits in the order train, val, test.
        digests: (N, 32) uint8 SHA-256 of the pictures of each.
        changes: Takes every picture that is left out.
    """
    splits = list(datas)
    places = [(s, row) for s in splits for row in range(datas[s].num_images)]
    boxes = np.concatenate([np.diff(datas[s].offsets) for s in splits])
    rank = np.repeat(np.arange(len(splits)), [datas[s].num_images for s in splits])
    first = first_of_same(np.concatenate([digests[s] for s in splits]))
    # Of equal pictures the best one comes last: later split, then more boxes, then earlier entry.
    order = np.lexsort((-np.arange(len(first)), boxes, rank, first))
    last = np.append(first[order][1:] != first[order][:-1], True)[: len(order)]
    best = dict(zip(first[order][last].tolist(), order[last].tolist(), strict=True))
    keep = {s: np.ones(datas[s].num_images, dtype=bool) for s in splits}
    for picture, (split, row) in enumerate(places):
        kept = best[int(first[picture])]
        if kept != picture:
            keep[split][row] = False
            _note(datas, (split, row), places[kept], changes)
    return {s: datas[s].select_images(keep[s]) for s in splits}


def _note(
    datas: Mapping[str, Annotations],
    dropped: tuple[str, int],
    kept: tuple[str, int],
    changes: Changes,
) -> None:
    (split, row), (other, other_row) = dropped, kept
    rule = "picture-copy" if split == other else "picture-leak"
    stays = f"{datas[other].file_names[other_row]!r} stays in {other}"
    boxes = int(datas[split].offsets[row + 1] - datas[split].offsets[row])
    name = datas[split].file_names[row]
    changes.add(rule, "picture left out", split, name, stays, boxes=boxes)
