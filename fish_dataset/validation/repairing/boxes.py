"""Boxes and sizes of one split, mended from what its file says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.checks.boxes import MIN_SIDE, box_faults, clip_to_image
from fish_dataset.checks.pictures import PictureFacts
from fish_dataset.checks.shapes import box_pairs
from fish_dataset.reading.lenient import Reading
from fish_dataset.validation.repairing.changes import Changes
from fish_dataset.validation.repairing.reading import ids_before

SAME_SHAPE = 0.01
"""Width / height of the file and of the picture may differ by this share for boxes to be scaled:
960 × 540 against 1920 × 1080, and what rounding leaves."""

_OUT = "picture left out"
_DROPPED = ("box-not-finite", "box-negative", "box-no-size", "box-outside")


@dataclass(frozen=True)
class _Sizes:
    """Of N images: what the picture has, and how the boxes get there."""

    widths: np.ndarray
    heights: np.ndarray
    scale: np.ndarray  # (N, 2) factors on x and y
    turn: np.ndarray  # (N,) Exif orientation to apply to the boxes, 1 for none
    unsure: np.ndarray  # (N,) bool, no way to tell what the boxes mean


def mended(split: str, reading: Reading, facts: PictureFacts, changes: Changes) -> Annotations:
    """The split with right sizes and sound boxes, without pictures that cannot be used.

    Args:
        split: Its name.
        reading: Its file.
        facts: On its N pictures; a missing picture has neither a size nor a fault.
        changes: Takes every change.
    """
    data = reading.annotations
    sizes = _sizes(split, reading, facts, changes)
    whole = replace(data, widths=sizes.widths, heights=sizes.heights, **_no_boxes())
    whole = _with_boxes(split, whole, reading, sizes, changes)
    for row in np.flatnonzero(~facts.readable & ~sizes.unsure).tolist():
        fault = facts.faults.get(row)
        rule = "image-file-missing" if fault is None else "picture-unreadable"
        boxes = int(whole.offsets[row + 1] - whole.offsets[row])
        place = data.file_names[row]
        changes.add(rule, _OUT, split, place, fault or "not on disk", boxes=boxes)
    _note_entries(split, reading, changes)
    return whole.select_images(facts.readable & ~sizes.unsure)


def _note_entries(split: str, reading: Reading, changes: Changes) -> None:
    """List image entries that have no name or no size, with the boxes that name them."""
    entries = reading.raw_image_entry[reading.raw_image_entry >= 0]
    counts = np.bincount(entries, minlength=len(reading.image_rows))
    for entry in np.flatnonzero(reading.image_rows < 0).tolist():
        name = reading.file_names[entry]
        rule = "image-size" if isinstance(name, str) and name else "image-file-name"
        place, boxes = f"images[{entry}]", int(counts[entry])
        changes.add(rule, "entry left out", split, place, repr(name), boxes=boxes)


def _no_boxes() -> dict[str, Any]:
    none = np.zeros(0, dtype=np.int64)
    names = ("box_ids", "box_image", "labels", "crowd", "ignore", "areas")
    return {**{name: none for name in names}, "bboxes": np.zeros((0, 4))}


def _sizes(split: str, reading: Reading, facts: PictureFacts, changes: Changes) -> _Sizes:
    data = reading.annotations
    wide, high = (np.where(facts.readable, s, a) for s, a in _both(facts, data))
    sizes = _Sizes(
        wide,
        high,
        np.ones((len(wide), 2)),
        np.ones(len(wide), np.int64),
        np.zeros(len(wide), bool),
    )
    reach, held = _reach(reading), _held(reading)
    sizes.unsure[:] = _of_one_id(reading)
    for row in np.flatnonzero(sizes.unsure).tolist():
        action = f"{_OUT}, since its id stands for several pictures"
        place = data.file_names[row]
        changes.add("image-id-duplicate", action, split, place, boxes=int(held[row]))
    odd = ((wide != data.widths) | (high != data.heights)) & ~sizes.unsure
    for row in np.flatnonzero(odd).tolist():
        before = int(data.widths[row]), int(data.heights[row])
        rule, action = _settle(row, before, reach[row], facts, sizes)
        sizes.unsure[row] = not action
        lost = 0 if action else int(held[row])
        action = action or f"{_OUT}, since its boxes could mean anything"
        detail = f"{before[0]} × {before[1]} → {wide[row]} × {high[row]}, boxes: {held[row]}"
        changes.add(rule, action, split, data.file_names[row], detail, boxes=lost)
    return sizes


def _held(reading: Reading) -> np.ndarray:
    """(N,) boxes of known class that the file has in each picture."""
    known = (reading.raw_image >= 0) & (reading.raw_label >= 0)
    return np.bincount(reading.raw_image[known], minlength=reading.annotations.num_images)


def _of_one_id(reading: Reading) -> np.ndarray:
    """(N,) bool, pictures that share their id with another one: boxes could be of either."""
    names: dict[str, set[str]] = {}
    before = ids_before(reading)
    for number, name in zip(before, reading.annotations.file_names, strict=bool(len(before))):
        names.setdefault(number, set()).add(name)
    unclear = [len(names[number]) > 1 for number in before]
    return np.array(unclear or [False] * reading.annotations.num_images, dtype=bool)


def _both(facts: PictureFacts, data: Annotations) -> tuple[tuple, tuple]:
    wide, high = facts.turned_sizes()
    return (wide, data.widths), (high, data.heights)


def _reach(reading: Reading) -> np.ndarray:
    """(N, 2) how far to the right and down the boxes of each image reach, as the file has them."""
    reach = np.zeros((reading.annotations.num_images + 1, 2))
    corners = reading.raw[:, :2] + reading.raw[:, 2:]
    fine = np.isfinite(corners).all(axis=1)
    np.maximum.at(reach, reading.raw_image[fine], corners[fine])
    return reach[:-1]


def _settle(
    row: int, before: tuple[int, int], reach: np.ndarray, facts: PictureFacts, sizes: _Sizes
) -> tuple[str, str]:
    """Decide what boxes of an image of wrong size mean; the rule and the action ('' for none)."""
    now = int(sizes.widths[row]), int(sizes.heights[row])
    stored = int(facts.widths[row]), int(facts.heights[row])
    fits_now = bool((reach <= np.array(now) + 1).all())
    fits_before = bool((reach <= np.array(before) + 1).all())
    if before == stored and now == stored[::-1]:
        if fits_before:
            sizes.turn[row] = int(facts.orientations[row])
            return "picture-turned", "size and boxes turned by the Exif tag"
        if fits_now:
            return "picture-turned", "size turned by the Exif tag; the boxes were turned already"
        return "picture-turned", ""
    if before == now[::-1] and fits_now:
        return "picture-size", "width and height were swapped"
    scale = np.array(now) / np.array(before)
    if abs(scale[0] / scale[1] - 1) <= SAME_SHAPE:
        sizes.scale[row] = scale
        return "picture-size", "size taken from the picture and boxes scaled"
    return "picture-size", ""


def turned(bboxes: np.ndarray, orientation: int, width: int, height: int) -> np.ndarray:
    """Boxes of a picture as stored, after it is turned and mirrored as its Exif tag says.

    The eight values: http://dev.plogger.org/wiki/CleanUp/ExifOrientation, read 2026-11-25; OpenCV's
    decoder is the reference of the tests.

    Args:
        bboxes: (M, 4) float64 xywh.
        orientation: 1 … 8.
        width: Of the picture as stored.
        height: Of the picture as stored.
    """
    x, y, w, h = bboxes.T
    right, below = width - x - w, height - y - h
    columns = {
        1: (x, y, w, h),
        2: (right, y, w, h),
        3: (right, below, w, h),
        4: (x, below, w, h),
        5: (y, x, h, w),
        6: (below, x, h, w),
        7: (below, right, h, w),
        8: (y, right, h, w),
    }
    return np.stack(columns[orientation], axis=1)


def _with_boxes(
    split: str, data: Annotations, reading: Reading, sizes: _Sizes, changes: Changes
) -> Annotations:
    """``data`` with the sound boxes of the file, moved with their pictures and cut at the edges."""
    entries = np.flatnonzero((reading.raw_image >= 0) & (reading.raw_label >= 0))
    for rule, mask in (
        ("unknown-image", reading.raw_image_entry < 0),
        ("unknown-category", (reading.raw_image >= 0) & (reading.raw_label < 0)),
    ):
        for entry in np.flatnonzero(mask).tolist():
            changes.add(rule, "box left out", split, f"annotations[{entry}]", boxes=1)
    image = reading.raw_image[entries]
    boxes = reading.raw[entries] * np.tile(sizes.scale[image], 2)
    for row in np.flatnonzero(sizes.turn > 1):
        here = image == row
        size = int(data.heights[row]), int(data.widths[row])  # as stored, before the quarter turn
        boxes[here] = turned(boxes[here], int(sizes.turn[row]), *size)
    kept = _sound(split, data, image, boxes, entries, sizes, changes)
    cut = clip_to_image(boxes, data.widths[image], data.heights[image])
    kept = kept[np.argsort(image[kept], kind="stable")]
    return replace(
        data,
        box_ids=reading.raw_ids[entries[kept]],
        box_image=image[kept],
        bboxes=cut[kept],
        labels=reading.raw_label[entries[kept]],
        crowd=reading.raw_flags[entries[kept], 0],
        ignore=reading.raw_flags[entries[kept], 1],
        areas=_areas(reading, entries[kept], cut[kept], sizes.scale[image[kept]]),
    )


def _sound(
    split: str,
    data: Annotations,
    image: np.ndarray,
    boxes: np.ndarray,
    entries: np.ndarray,
    sizes: _Sizes,
    changes: Changes,
) -> np.ndarray:
    """Positions of the boxes that are kept; the others, and those that are cut, are noted."""
    faults = box_faults(boxes, data.widths[image], data.heights[image])
    told = ~sizes.unsure[image]
    for rule in (*_DROPPED, "box-clipped"):
        action = "box cut at the edge" if rule == "box-clipped" else "box left out"
        for row in np.flatnonzero(faults[rule] & told):
            detail = f"annotations[{entries[row]}].bbox {boxes[row].tolist()}"
            lost, place = int(rule != "box-clipped"), data.file_names[image[row]]
            changes.add(rule, action, split, place, detail, boxes=lost)
    return np.flatnonzero(~np.any([faults[rule] for rule in _DROPPED], axis=0))


def _areas(
    reading: Reading, entries: np.ndarray, boxes: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    """The file's areas, scaled; that of the box where the file has none that is sound."""
    full = np.prod(np.maximum(boxes[:, 2:], MIN_SIDE), axis=1)
    known = np.zeros(len(reading.raw))
    known[reading.box_entries] = reading.annotations.areas
    given = known[entries] * np.prod(scale, axis=1)
    return np.where(given > 0, given, full)


def without_doubles(split: str, data: Annotations, changes: Changes) -> Annotations:
    """``data`` without the later one of two boxes of a class that lie on one another."""
    pairs = box_pairs(data)["box-duplicate"]
    for first, second in pairs.tolist():
        name = data.file_names[int(data.box_image[second])]
        detail = f"{data.bboxes[second].tolist()} on {data.bboxes[first].tolist()}"
        changes.add("box-duplicate", "box left out", split, name, detail, boxes=1)
    keep = np.ones(data.num_boxes, dtype=bool)
    keep[pairs[:, 1]] = False
    return with_boxes_at(data, np.flatnonzero(keep))


def with_boxes_at(data: Annotations, rows: np.ndarray) -> Annotations:
    """``data`` with the boxes at ``rows`` (ascending) only."""
    names = ("box_ids", "box_image", "bboxes", "labels", "crowd", "ignore", "areas")
    return replace(data, **{name: getattr(data, name)[rows] for name in names})
