"""The image columns of a COCO file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fish_dataset.findings import FindingLog
from fish_dataset.reading.column import Column
from fish_dataset.reading.disk import Folders, describe_folder, picture_size
from fish_dataset.reading.ids import is_id, positive_ids, repeated
from fish_dataset.reading.table import Table
from fish_dataset.strings import Strings

_INT32_MAX = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Images:
    """Columns of N images; ``source_ids`` are the ids as they stand in the file."""

    source_ids: Column
    ids: np.ndarray
    file_names: Strings
    widths: np.ndarray
    heights: np.ndarray
    meta: dict[str, Strings]


def read_images(
    entries: Table,
    log: FindingLog,
    *,
    image_dir: Path | None,
    check_images: bool,
    meta_keys: Sequence[str],
) -> Images:
    """Checks the image list and turns it into columns; faults go to ``log``."""
    if not entries:
        log.add("no-images", "images", [])
    source_ids = entries["id"]
    ids = _read_ids(source_ids, log)
    names = _read_file_names(entries["file_name"], log)
    if image_dir is not None and check_images:
        names = _check_disk(names, image_dir, log)
    widths, heights = _read_sizes(entries, names, image_dir, log)
    meta = _read_meta(entries, meta_keys)
    if positive_ids(source_ids) is None:
        meta["source_id"] = Strings.of(str(value) for value in source_ids)
    return Images(source_ids, ids, Strings.of(names), widths, heights, meta)


def _read_ids(values: Column, log: FindingLog) -> np.ndarray:
    ids = positive_ids(values)
    if ids is not None:
        return ids
    bad = [row for row, value in enumerate(values) if not is_id(value)]
    log.add_rows("image-id", bad, lambda row: f"images[{row}].id", values.__getitem__)
    if not bad:
        twice = repeated(values)
        log.add_rows(
            "image-id-duplicate", twice, lambda row: f"images[{row}].id", values.__getitem__
        )
        if not twice:
            log.add_rows(
                "image-id-renumbered",
                range(len(values)),
                lambda row: f"images[{row}].id",
                lambda row: f"{values[row]!r} → {row + 1}",
            )
    return np.arange(1, len(values) + 1, dtype=np.int64)


def _read_file_names(column: Column, log: FindingLog) -> list[str]:
    raw = list(column)
    bad = [row for row, name in enumerate(raw) if not isinstance(name, str) or not name]
    log.add_rows("image-file-name", bad, lambda row: f"images[{row}].file_name", raw.__getitem__)
    names = [name if isinstance(name, str) else "" for name in raw]
    slashed = [row for row, name in enumerate(names) if "\\" in name]
    log.add_rows(
        "image-path-backslash", slashed, lambda row: f"images[{row}].file_name", names.__getitem__
    )
    names = [name.replace("\\", "/").removeprefix("./") for name in names]
    # Entries without a name have been noted; they are no duplicates of one another.
    twice = [row for row in repeated(names) if names[row]]
    log.add_rows(
        "image-file-duplicate", twice, lambda row: f"images[{row}].file_name", names.__getitem__
    )
    return names


def _check_disk(names: list[str], image_dir: Path, log: FindingLog) -> list[str]:
    folders = Folders(image_dir)
    gone = [row for row in folders.missing(names) if names[row]]
    found: dict[int, str] = {}
    twice: list[int] = []
    taken = set(names) if gone else set()
    for row in gone:
        name = folders.respelled(names[row])
        if name is None or name in taken:
            name = folders.elsewhere(names[row])
            twice += [row] if name in taken else []
        if name is not None:
            found[row] = name
            taken.add(name)
    log.add_rows(
        "image-file-duplicate",
        twice,
        lambda row: f"images[{row}].file_name",
        lambda row: f"{names[row]!r} and {found[row]!r}",
    )
    log.add_rows(
        "image-file-respelled",
        list(found),
        lambda row: f"images[{row}].file_name",
        lambda row: f"{names[row]!r} → {found[row]!r}",
    )
    gone = [row for row in gone if row not in found]
    if gone and len(gone) == len(names):
        seen = f"{describe_folder(image_dir)}; the first file_name is {names[0]!r}"
        log.add("image-folder", "images", seen, count=len(gone))
    else:
        log.add_rows(
            "image-file-missing",
            gone,
            lambda row: f"images[{row}].file_name",
            lambda row: f"{names[row]!r} (as {image_dir / names[row]})",
        )
    return [found.get(row, name) for row, name in enumerate(names)] if found else names


def _read_sizes(
    entries: Table, names: list[str], image_dir: Path | None, log: FindingLog
) -> tuple[np.ndarray, np.ndarray]:
    raw = [entries[key] for key in ("width", "height")]
    widths, heights = _as_lengths(raw[0]), _as_lengths(raw[1])
    read: list[int] = []
    lost: list[int] = []
    for row in np.flatnonzero((widths < 1) | (heights < 1)).tolist():
        known = image_dir is not None and names[row]
        size = picture_size(image_dir / names[row]) if known else None
        if size is None:
            lost.append(row)
        else:
            widths[row], heights[row] = size
            read.append(row)

    def value(row: int) -> str:
        return f"width {raw[0][row]!r}, height {raw[1][row]!r} ({names[row]!r})"

    log.add_rows("image-size", lost, lambda row: f"images[{row}]", value)
    log.add_rows(
        "image-size-read",
        read,
        lambda row: f"images[{row}]",
        lambda row: f"{value(row)} → {widths[row]} × {heights[row]}",
    )
    return widths, heights


def _as_lengths(values: Column) -> np.ndarray:
    """(N,) int32, 0 where a value is no positive integer; 640.0 counts as one."""
    lengths = values.numbers()
    fine = (lengths >= 1) & (lengths <= _INT32_MAX) & (lengths == np.floor(lengths))
    return np.where(fine, lengths, 0).astype(np.int32)


def _read_meta(entries: Table, keys: Sequence[str]) -> dict[str, Strings]:
    meta = {}
    for key in keys:
        if entries[key].kinds - {type(None)}:
            meta[key] = Strings.of("" if value is None else str(value) for value in entries[key])
    return meta
