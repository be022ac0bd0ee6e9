"""COCO JSON ⇄ Annotations.

The format: https://cocodataset.org/#format-data. Segmentation masks are not kept, since this is
detection.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.classes import as_classes
from fish_dataset.errors import FishDataError
from fish_dataset.findings import Finding, FindingLog
from fish_dataset.reading.boxes import Boxes, read_boxes
from fish_dataset.reading.categories import Categories, read_categories
from fish_dataset.reading.document import IMAGE_KEYS, load_tables
from fish_dataset.reading.images import Images, read_images

META_KEYS = ("site", "video", "frame", "day", "source", "source_id")
"""Image keys that are kept as metadata. 'source' names the set that a merged picture comes from,
'source_id' holds ids that had to be renumbered."""

_PIECE = 10_000  # entries that are written at once


def read_coco(
    path: str | os.PathLike,
    *,
    classes: Sequence[str] | None = None,
    image_dir: str | os.PathLike | None = None,
    check_images: bool = True,
    drop_dummy: bool = True,
    meta_keys: Sequence[str] = META_KEYS,
) -> tuple[Annotations, list[Finding]]:
    """Reads and checks a COCO file; ``fish_dataset.rules`` says what is refused and what mended.

    Args:
        path: The JSON file.
        classes: The class order to use; the file must name the same set. By default the order of
            the file's category ids: by number, or as listed where ids are texts.
        image_dir: Folder that the file_name values start from. With it, pictures are looked for,
            and missing sizes are read from them.
        check_images: Whether to look for every picture under ``image_dir``.
        drop_dummy: Whether to leave out Roboflow's category 0 (the supercategory of all others,
            without boxes).
        meta_keys: Image keys to keep in ``Annotations.image_meta``.

    Returns:
        The annotations, and what was repaired or is worth a look.

    Raises:
        FishDataError: The file is unreadable, or has faults that cannot be mended; the message
            lists the first 20 of each kind and how many there are.
    """
    path = Path(path)
    log = FindingLog(str(path))
    wanted = None if classes is None else as_classes(classes)
    lists = load_tables(path, log, image_keys=(*IMAGE_KEYS, *meta_keys))
    used = lists.annotations["category_id"]
    try:
        categories = read_categories(
            lists.categories, used, log, classes=wanted, drop_dummy=drop_dummy
        )
        images = read_images(
            lists.images,
            log,
            image_dir=None if image_dir is None else Path(image_dir),
            check_images=check_images,
            meta_keys=meta_keys,
        )
        boxes = read_boxes(lists.annotations, images, categories, log)
    except UnicodeEncodeError as error:
        raise FishDataError(
            f"{path}: the text {error.object!r} cannot be written as UTF-8; rename it"
        ) from None
    log.refuse()
    del lists, used  # a million boxes as the file has them
    return _assemble(categories, images, boxes), log.findings


def read_classes(path: str | os.PathLike, *, drop_dummy: bool = True) -> tuple[str, ...]:
    """The class names of a COCO file in the order of category ids, as ``read_coco`` gives them.

    Raises:
        FishDataError: The file is unreadable, or its categories cannot be used.
    """
    log = FindingLog(str(path))
    lists = load_tables(Path(path), log, image_keys=(), box_keys=("category_id",))
    used = lists.annotations["category_id"]
    categories = read_categories(lists.categories, used, log, drop_dummy=drop_dummy)
    log.refuse()
    return categories.classes


def _assemble(categories: Categories, images: Images, boxes: Boxes) -> Annotations:
    sorted_already = bool(np.all(boxes.image[1:] >= boxes.image[:-1]))
    order = slice(None) if sorted_already else np.argsort(boxes.image, kind="stable")
    return Annotations(
        classes=categories.classes,
        image_ids=images.ids,
        file_names=images.file_names,
        widths=images.widths,
        heights=images.heights,
        box_ids=boxes.ids[order],
        box_image=boxes.image[order],
        bboxes=boxes.bboxes[order],
        labels=boxes.labels[order],
        crowd=boxes.crowd[order],
        ignore=boxes.ignore[order],
        areas=boxes.areas[order],
        image_meta=images.meta,
    )


def coco_dict(annotations: Annotations) -> dict:
    """The COCO document of ``annotations``: category ids from 1 in the order of classes, image and
    box ids as they are; 'ignore' is written only where it is set."""
    return {
        "images": _image_entries(annotations, slice(None)),
        "annotations": _box_entries(annotations, slice(None)),
        "categories": _category_entries(annotations),
    }


def _category_entries(annotations: Annotations) -> list[dict]:
    return [{"id": label, "name": name} for label, name in enumerate(annotations.classes, 1)]


def _image_entries(annotations: Annotations, rows: slice) -> list[dict]:
    keys = ("id", "file_name", "width", "height", *annotations.image_meta)
    columns = (
        annotations.image_ids[rows].tolist(),
        annotations.file_names[rows],
        annotations.widths[rows].tolist(),
        annotations.heights[rows].tolist(),
        *(column[rows] for column in annotations.image_meta.values()),
    )
    entries = [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)]
    for key in annotations.image_meta:
        for entry in entries:
            if entry[key] == "":
                del entry[key]
            elif key == "frame" and entry[key].isdecimal() and str(int(entry[key])) == entry[key]:
                entry[key] = int(entry[key])
    return entries


def _box_entries(annotations: Annotations, rows: slice) -> list[dict]:
    columns = zip(
        annotations.box_ids[rows].tolist(),
        annotations.image_ids[annotations.box_image[rows]].tolist(),
        (annotations.labels[rows] + 1).tolist(),
        short_floats(annotations.bboxes[rows]).tolist(),
        short_floats(annotations.areas[rows]).tolist(),
        annotations.crowd[rows].astype(int).tolist(),
        strict=True,
    )
    keys = ("id", "image_id", "category_id", "bbox", "area", "iscrowd")
    entries = [dict(zip(keys, row, strict=True)) for row in columns]
    for row in np.flatnonzero(annotations.ignore[rows]):
        entries[row]["ignore"] = 1
    return entries


def short_floats(values: np.ndarray) -> np.ndarray:
    """float32 ``values`` as the float64 of fewest decimals (up to 9) that rounds back to them.

    163.12 was stored as 163.1199951171875; files should say 163.12 again.
    """
    exact = values.astype(np.float64)
    short = exact.copy()
    left = np.ones(values.shape, dtype=bool)
    for decimals in range(10):
        rounded = np.round(exact, decimals)
        hit = left & (rounded.astype(np.float32) == values)
        short[hit] = rounded[hit]
        left &= ~hit
    return short


def write_coco(annotations: Annotations, path: str | os.PathLike) -> None:
    """Writes a COCO file, under a temporary name first, so that a file of that name is whole.

    Raises:
        FishDataError: The file cannot be written.
    """
    path = Path(path)
    try:
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise _write_error(path, error) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.writelines(_pieces(annotations))
        os.chmod(partial, 0o644)  # mkstemp gives 0600, which others could not read
        os.replace(partial, path)
    except OSError as error:
        Path(partial).unlink(missing_ok=True)
        raise _write_error(path, error) from error


def _pieces(annotations: Annotations) -> Iterator[bytes]:
    """``coco_dict`` as JSON, some thousand entries at a time: there may be a million."""
    for head, count, entries in (
        (b'{"images":[', annotations.num_images, _image_entries),
        (b'],"annotations":[', annotations.num_boxes, _box_entries),
    ):
        yield head
        for start in range(0, count, _PIECE):
            part = msgspec.json.encode(entries(annotations, slice(start, start + _PIECE)))
            yield (b"," if start else b"") + part[1:-1]
    yield b'],"categories":' + msgspec.json.encode(_category_entries(annotations)) + b"}"


def _write_error(path: Path, error: OSError) -> FishDataError:
    return FishDataError(
        f"{path}: cannot be written: {error.strerror or error}; check the folder and its rights"
    )
