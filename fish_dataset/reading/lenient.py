"""What a faulty COCO file still holds, for validator and repair; training never reads so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.checks.boxes import MIN_SIDE, clip_to_image
from fish_dataset.coco import META_KEYS
from fish_dataset.errors import FishDataError
from fish_dataset.findings import Finding, FindingLog
from fish_dataset.layout import Split
from fish_dataset.reading.boxes import Boxes, read_boxes
from fish_dataset.reading.categories import Categories, read_categories
from fish_dataset.reading.column import Column
from fish_dataset.reading.document import IMAGE_KEYS, load_tables
from fish_dataset.reading.images import Images, read_images

SHOWN = 1000
"""Findings of a rule that are kept in full."""


@dataclass(frozen=True)
class Reading:
    """One annotation file: what can be used of it, and every fault.

    Attributes:
        file: The annotation file.
        image_dir: Where its pictures are.
        annotations: Images that have a name and a size, and their sound boxes, cut at the edges;
            sizes, ids and classes are the file's or repaired as ``read_coco`` does.
        findings: What ``read_coco`` would refuse, repair or remark.
        image_entries: (N,) position in the file's list of each image of ``annotations``.
        image_rows: (entries,) the other way round; -1 for an entry that is left out.
        box_entries: (M,) position in the file's list of each box of ``annotations``.
        raw: (entries, 4) float64, every box as the file has it, xywh (corners are made xywh where
            all boxes look like corners); zeros where it is no four numbers.
        raw_ids: (entries,) annotation ids, renumbered where they cannot be used.
        raw_image: (entries,) image row of every box, -1 where it has none.
        raw_image_entry: (entries,) the same as a position in the file's list of images.
        raw_label: (entries,) label, -1 where it has none.
        raw_flags: (entries, 2) bool, crowd and ignore.
        file_box_ids: (entries,) annotation ids as the file has them.
        file_names: (image entries,) file_name values as the file has them.
    """

    file: Path
    image_dir: Path
    annotations: Annotations
    findings: tuple[Finding, ...]
    image_entries: np.ndarray
    image_rows: np.ndarray
    box_entries: np.ndarray
    raw: np.ndarray
    raw_ids: np.ndarray
    raw_image: np.ndarray
    raw_image_entry: np.ndarray
    raw_label: np.ndarray
    raw_flags: np.ndarray
    file_box_ids: Column
    file_names: Column


def read_anyway(
    split: Split, advance: Callable[[int], None] = lambda done: None
) -> Reading | Finding:
    """Read one split as far as it goes.

    Args:
        split: Where it is.
        advance: Called with the number of bytes just read.

    Returns:
        The reading; or, where the file is no COCO JSON at all, the finding that says so.
    """
    log = FindingLog(str(split.ann_file), SHOWN)
    try:
        keys = (*IMAGE_KEYS, *META_KEYS)
        lists = load_tables(split.ann_file, log, image_keys=keys, advance=advance)
        categories = read_categories(lists.categories, lists.annotations["category_id"], log)
        images = read_images(
            lists.images,
            log,
            image_dir=split.image_dir,
            check_images=True,
            meta_keys=META_KEYS,
        )
        boxes = read_boxes(lists.annotations, images, categories, log)
    except FishDataError as error:
        return _unreadable(split.ann_file, str(error))
    except UnicodeEncodeError as error:
        return _unreadable(split.ann_file, f"the text {error.object!r} cannot be written as UTF-8")
    raw, _ = lists.annotations["bbox"].boxes()
    if _noted(log, "boxes-xyxy"):
        raw[:, 2:] -= raw[:, :2]
    kept = lists.annotations["id"], lists.images["file_name"]
    return _assemble(split, log, categories, images, boxes, raw, kept)


def _unreadable(file: Path, message: str) -> Finding:
    log = FindingLog(str(file))
    log.add("annotation-file", "", message.removeprefix(f"{file}: "))
    return log.findings[0]


def _noted(log: FindingLog, rule: str) -> bool:
    return any(finding.rule == rule for finding in log.findings)


def _assemble(
    split: Split,
    log: FindingLog,
    categories: Categories,
    images: Images,
    boxes: Boxes,
    raw: np.ndarray,
    columns: tuple[Column, Column],
) -> Reading:
    named = np.array([bool(name) for name in images.file_names], dtype=bool)
    kept = np.flatnonzero(named & (images.widths > 0) & (images.heights > 0))
    rows = np.full(len(named) + 1, -1, dtype=np.int64)  # the last one stands for "no image"
    rows[kept] = np.arange(len(kept))
    image = rows[boxes.image]
    labels = boxes.labels if categories.classes else np.full(len(raw), -1)
    corners, normalised = _noted(log, "boxes-xyxy"), _noted(log, "boxes-normalised")
    widths, heights = (np.append(v, 0)[boxes.image] for v in (images.widths, images.heights))
    cut = clip_to_image(raw, widths, heights)
    sound = np.isfinite(cut).all(axis=1) & (cut[:, 2:] >= MIN_SIDE).all(axis=1)
    sound &= (raw[:, 2:] >= MIN_SIDE).all(axis=1) & (image >= 0) & (labels >= 0)
    usable = np.flatnonzero(sound & (not normalised))
    usable = usable[np.argsort(image[usable], kind="stable")]
    annotations = Annotations(
        classes=categories.classes,
        image_ids=images.ids[kept],
        file_names=images.file_names.take(kept),
        widths=images.widths[kept],
        heights=images.heights[kept],
        box_ids=boxes.ids[usable],
        box_image=image[usable],
        bboxes=cut[usable],
        labels=labels[usable],
        crowd=boxes.crowd[usable],
        ignore=boxes.ignore[usable],
        areas=np.prod(cut[usable, 2:], axis=1) if corners else boxes.areas[usable],
        image_meta={key: column.take(kept) for key, column in images.meta.items()},
    )
    return Reading(
        file=split.ann_file,
        image_dir=split.image_dir,
        annotations=annotations,
        findings=tuple(log.findings),
        image_entries=kept,
        image_rows=rows[:-1],
        box_entries=usable,
        raw=raw,
        raw_ids=boxes.ids,
        raw_image=image,
        raw_image_entry=boxes.image,
        raw_label=labels,
        raw_flags=np.stack([boxes.crowd, boxes.ignore], axis=1),
        file_box_ids=columns[0],
        file_names=columns[1],
    )
