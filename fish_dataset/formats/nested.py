"""Whether a folder is one data set or holds several."""

from __future__ import annotations

import re
from pathlib import Path

from fish_dataset.errors import FishDataError
from fish_dataset.formats.coco import looks_like_coco
from fish_dataset.formats.pictures import split_of
from fish_dataset.formats.yolo_config import CONFIG_NAMES

_MARKS = (
    *CONFIG_NAMES,
    *("train.json", "val.json", "valid.json", "test.json"),
    *("annotations/instances_*.json", "annotations/*.json", "*/_annotations.coco.json"),
    *("ImageSets/Main", "classes.txt", "obj.names", "labels/classes.txt", "annotations.xml"),
)
_PARTS = {"annotations", "images", "labels", "jpegimages", "imagesets", "obj_train_data", "masks"}
_DEPTH = 2


def mark_of(folder: Path) -> str:
    """The file that shows a folder to be a data set of its own, '' where there is none."""
    for pattern in _MARKS:
        for path in sorted(folder.glob(pattern)):
            if path.suffix != ".json" or looks_like_coco(path):
                return path.relative_to(folder).as_posix()
    found = next((path for path in sorted(folder.glob("*.json")) if looks_like_coco(path)), None)
    return found.name if found is not None else ""


def sets_below(folder: Path, depth: int = _DEPTH) -> dict[Path, str]:
    """Data sets in the folders below, with their marks; folders of one set's splits or parts
    (``train``, ``images``, ``site_val``) are none."""
    found: dict[Path, str] = {}
    for child in sorted(path for path in folder.iterdir() if path.is_dir()):
        words = [child.name, *re.split(r"[_\-. ]", child.name)]
        if child.name.startswith(".") or child.name.lower() in _PARTS or any(map(split_of, words)):
            continue
        mark = mark_of(child)
        if mark:
            found[child] = mark
        elif depth > 1:
            found |= sets_below(child, depth - 1)
    return found


def check_one_set(source: Path, out: Path) -> list[str]:
    """Notes on data sets that lie inside of another one.

    Args:
        source: File or folder that is to be converted.
        out: Where it is to be written, for the commands that the message names.

    Raises:
        FishDataError: ``source`` is no data set itself and holds several.
    """
    if not source.is_dir():
        return []
    found = sets_below(source)
    names = {path: f"{path.relative_to(source)} ({mark})" for path, mark in found.items()}
    if len(found) > 1 and not mark_of(source):
        commands = "\n".join(
            f"  python tools/dataset/convert.py {path} {out / path.relative_to(source)}"
            for path in found
        )
        raise FishDataError(
            f"{source}: holds {len(found)} data sets: {', '.join(names.values())}. Convert each, "
            f"then join them with tools/dataset/merge.py if they are to be one:\n{commands}"
        )
    if found and mark_of(source):
        return [
            f"{', '.join(names.values())} in the source looks like a data set of its own; see "
            "whether its pictures were meant to be in this one"
        ]
    return []
