"""From what a Builder collected to checked annotations by split, with every loss accounted for."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.checks.boxes import (
    box_faults,
    clip_to_image,
    look_like_corners,
    look_normalised,
)
from fish_dataset.errors import FishDataError
from fish_dataset.folder import Part
from fish_dataset.formats.builder import SAME_PICTURE, Builder
from fish_dataset.formats.losses import Loss
from fish_dataset.formats.picture_sizes import picture_sizes
from fish_dataset.formats.pictures import Pictures
from fish_dataset.formats.source import Converted
from fish_dataset.reading.disk import describe_folder
from fish_dataset.strings import Strings

_REASONS = {
    "box-not-finite": "box holds NaN or infinity",
    "box-negative": "box of negative width or height",
    "box-no-size": "box of no width or height",
    "box-outside": "box outside its picture",
}
_NOT_FOUND = "picture not found (or several of that name)"
_NO_LABELS = "picture whose boxes were all lost (left out: it is no picture without fish)"
_CROWD, _IGNORE = 1, 2


def assemble(builder: Builder, root: Path, image_dir: Path | None) -> Converted:
    """What ``Builder.build`` returns and raises."""
    if not builder.images:
        raise FishDataError(f"{root}: no image found{_first_losses(builder)}")
    builder.root = root if root.is_dir() else root.parent
    paths = _locate(builder, root, image_dir)
    sizes = picture_sizes(builder, paths)
    rows, codes, xywh, areas, flags = builder.box_columns()
    kept_rows = _merge(builder, paths)
    usable = (sizes > 0).all(axis=1) & np.array([path is not None for path in paths])
    _drop_images(builder, paths, usable, rows)
    if not usable.any():
        raise FishDataError(_none_found(builder, root, image_dir))
    alive = usable[rows]
    boxes, alive = _check_boxes(builder, xywh, sizes[rows], rows, alive)
    usable &= ~_without_labels(builder, usable, kept_rows, rows, alive)
    cut = (boxes != xywh).any(axis=1)
    full = boxes[:, 2] * boxes[:, 3]
    good = np.isfinite(areas) & (areas > 0)
    columns = {
        "rows": kept_rows[rows][alive],
        "labels": _labels(builder)[codes[alive]],
        "bboxes": boxes[alive],
        "areas": np.where(good, np.where(cut, np.minimum(areas, full), areas), full)[alive],
        "flags": flags[alive],
    }
    images = np.flatnonzero(usable & (kept_rows == np.arange(len(paths))))
    parts = _parts(builder, images, paths, sizes, columns)
    return _account(builder, parts)


def _locate(builder: Builder, root: Path, image_dir: Path | None) -> list[Path | None]:
    """Where each image row's picture is."""
    base = root if root.is_dir() else root.parent
    pictures = Pictures([image_dir, base] if image_dir is not None else [base])
    found: list[Path | None] = []
    for split, name in builder.images:
        path = pictures.find(name, split) if isinstance(name, str) else name
        if isinstance(name, Path) and not name.is_file():
            path = None
        found.append(path if path is None or _is_name(path) else None)
    return found


def _is_name(path: Path) -> bool:
    """Whether a path can stand in a JSON file; on Linux it may hold any bytes."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return "\\" not in str(path)


def _merge(builder: Builder, paths: list[Path | None]) -> np.ndarray:
    """(N,) the row that each image row becomes one with: the first of its split and picture."""
    first: dict[tuple[str, Path], int] = {}
    target = np.arange(len(paths))
    for row, path in enumerate(paths):
        if path is not None:
            target[row] = first.setdefault((builder.images[row][0] or "train", path), row)
    twice = int((target != np.arange(len(paths))).sum())
    if twice:
        builder.count(SAME_PICTURE, twice)
    return target


def _drop_images(
    builder: Builder, paths: list[Path | None], usable: np.ndarray, rows: np.ndarray
) -> None:
    """Counts pictures that cannot be used, and lists each box that they take along."""
    order = np.argsort(rows, kind="stable")
    starts = np.searchsorted(rows[order], np.arange(len(paths) + 1))
    names = list(builder.names)
    for row in np.flatnonzero(~usable).tolist():
        reason = "picture cannot be read" if paths[row] else _NOT_FOUND
        name = builder.picture(row)
        boxes = order[starts[row] : starts[row + 1]].tolist()
        builder.losses.setdefault(reason, Loss()).add("image", name, len(boxes))
        if not boxes:
            builder.losses.row(reason, name, "", 0, picture=name)
        for box in boxes:
            kind = names[builder.codes[box]]
            value = builder.xywh[4 * box : 4 * box + 4].tolist()
            builder.losses.row(reason, builder.where(box), value, 1, name=kind, picture=name)


def _without_labels(
    builder: Builder,
    usable: np.ndarray,
    kept_rows: np.ndarray,
    rows: np.ndarray,
    alive: np.ndarray,
) -> np.ndarray:
    """Mask (N,) of pictures that had boxes and have none left: left out, for they would pass for
    pictures without fish."""
    count = len(kept_rows)
    spoiled = np.zeros(count, dtype=bool)
    spoiled[kept_rows[rows[~alive]]] = True
    spoiled[kept_rows[sorted(builder.spoiled)]] = True
    kept = np.bincount(kept_rows[rows[alive]], minlength=count) > 0
    gone = usable & spoiled & ~kept & (kept_rows == np.arange(count))
    for row in np.flatnonzero(gone).tolist():
        name = builder.picture(row)
        builder.losses.add(_NO_LABELS, name, "no box can be kept", 0, picture=name)
    return gone


def _check_boxes(
    builder: Builder, xywh: np.ndarray, sizes: np.ndarray, rows: np.ndarray, alive: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (M, 4) cut at the edges, and the mask of those that are kept."""
    widths, heights = sizes[:, 0], sizes[:, 1]
    if not builder.units_known:
        _check_convention(xywh[alive], widths[alive], heights[alive])
    faults = box_faults(xywh, widths, heights)
    names = list(builder.names)
    for rule, reason in _REASONS.items():
        lost = np.flatnonzero(faults[rule] & alive)
        for box in lost.tolist():
            builder.losses.add(
                reason,
                builder.where(box),
                xywh[box].tolist(),
                name=names[builder.codes[box]],
                picture=builder.picture(int(rows[box])),
            )
        alive = alive & ~faults[rule]
    clipped = int((faults["box-clipped"] & alive).sum())
    if clipped:
        builder.count("box reaches over the edge of its picture and is cut there", clipped)
    return clip_to_image(xywh, widths, heights), alive


def _check_convention(boxes: np.ndarray, widths: np.ndarray, heights: np.ndarray) -> None:
    if look_normalised(boxes):
        raise FishDataError(
            f"the boxes are fractions of the picture (the first is {boxes[0].tolist()}), where "
            "this format has pixels; multiply them by the picture's width and height"
        )
    if look_like_corners(boxes, widths, heights):
        raise FishDataError(
            f"the boxes look like [x1, y1, x2, y2] (the first is {boxes[0].tolist()}), where this "
            "format has [x, y, width, height]; convert them first"
        )


def _labels(builder: Builder) -> np.ndarray:
    """The label of each name code: declared classes in their order, then the others by name."""
    label = {name: position for position, name in enumerate(class_order(builder))}
    return np.array([label[name] for name in builder.names], dtype=np.int64)


def class_order(builder: Builder) -> tuple[str, ...]:
    """The class list of the built data set.

    Raises:
        FishDataError: the source names no class.
    """
    names = list(builder.names)
    order = (*names[: builder.declared], *sorted(names[builder.declared :]))
    if not order:
        raise FishDataError(
            "the source holds no box that can be kept and names no class"
            f"{_first_losses(builder)}; pass --classes NAME,… if that is right"
        )
    return order


def _parts(
    builder: Builder,
    images: np.ndarray,
    paths: list[Path | None],
    sizes: np.ndarray,
    columns: dict[str, np.ndarray],
) -> dict[str, Part]:
    splits = [builder.images[row][0] for row in images.tolist()]
    unnamed = splits.count("")
    if unnamed == len(splits):
        builder.note(
            "the source names no splits: all is in train; "
            "`python tools/dataset/split.py OUT NEW` makes train, val and test"
        )
    elif unnamed:
        builder.count("image stands in no split of the source; put in train", unnamed)
    by_split: dict[str, list[int]] = {}
    for row, split in zip(images.tolist(), splits, strict=True):
        by_split.setdefault(split or "train", []).append(row)
    located = {split: [paths[row] for row in rows] for split, rows in by_split.items()}
    dirs, names = _file_names(located)
    order = [split for split in ("train", "val", "test") if split in by_split]
    return {
        split: Part(
            _annotations(builder, np.array(by_split[split]), names[split], sizes, columns),
            dirs[split],
        )
        for split in order
    }


def _file_names(
    located: dict[str, list[Path | None]],
) -> tuple[dict[str, Path], dict[str, list[str]]]:
    """Image folder and relative names of each split: short names, unless splits would share one."""
    paths = {
        split: [Path(os.path.abspath(p)) for p in found if p] for split, found in located.items()
    }
    dirs = {split: _common(found) for split, found in paths.items()}
    owner: dict[str, Path] = {}
    for split, found in paths.items():
        for path in found:
            name = path.relative_to(dirs[split]).as_posix().casefold()
            if owner.setdefault(name, path) != path:
                whole = _common([p for all_of in paths.values() for p in all_of])
                dirs = dict.fromkeys(dirs, whole)
                break
    names = {s: [p.relative_to(dirs[s]).as_posix() for p in found] for s, found in paths.items()}
    return dirs, names


def _common(paths: list[Path]) -> Path:
    return Path(os.path.commonpath([path.parent for path in paths]))


def _annotations(
    builder: Builder,
    rows: np.ndarray,
    names: list[str],
    sizes: np.ndarray,
    columns: dict[str, np.ndarray],
) -> Annotations:
    place = np.full(len(builder.images), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    image = place[columns["rows"]]
    order = np.argsort(image, kind="stable")
    order = order[image[order] >= 0]
    flags = columns["flags"][order]
    meta = {
        key: Strings.of(values.get(row, "") for row in rows.tolist())
        for key, values in builder.meta.items()
    }
    return Annotations(
        classes=class_order(builder),
        image_ids=np.arange(1, len(rows) + 1),
        file_names=Strings.of(names),
        widths=sizes[rows, 0],
        heights=sizes[rows, 1],
        box_ids=np.arange(1, len(order) + 1),
        box_image=image[order],
        bboxes=columns["bboxes"][order],
        labels=columns["labels"][order],
        crowd=(flags & _CROWD) > 0,
        ignore=(flags & _IGNORE) > 0,
        areas=columns["areas"][order],
        image_meta=meta,
    )


def _account(builder: Builder, parts: dict[str, Part]) -> Converted:
    boxes_out = sum(part.annotations.num_boxes for part in parts.values())
    lost = sum(loss.count for loss in builder.losses.values())
    if builder.boxes_in != boxes_out + lost:
        raise AssertionError(f"{builder.boxes_in} boxes in, {boxes_out} out, {lost} lost")
    notes = [text if n is None else f"{n} × {text}" for text, n in builder.notes.items()]
    return Converted(
        parts=parts,
        boxes_in=builder.boxes_in,
        boxes_out=boxes_out,
        images_in=len(builder.images),
        losses=builder.losses,
        names_in=builder.names_in,
        notes=notes,
    )


def _first_losses(builder: Builder) -> str:
    said = [f"{reason} ({loss.examples[0]})" for reason, loss in builder.losses.items()]
    return f"; {'; '.join(said[:3])}" if said else ""


def _none_found(builder: Builder, root: Path, image_dir: Path | None) -> str:
    base = root if root.is_dir() else root.parent
    looked = ", ".join(describe_folder(p) for p in (image_dir, base) if p is not None)
    return (
        f"{root}: none of its {len(builder.images)} pictures can be used: the first is "
        f"{str(builder.images[0][1])!r}; {looked}. Pass the folder of the pictures with --image-dir"
    )
