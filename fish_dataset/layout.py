"""Which files a data folder holds.

Three layouts are understood: ``train.json val.json test.json images/``;
``annotations/instances_{train,val,test}*.json`` with image folders beside; and Roboflow's COCO
export (``train/_annotations.coco.json`` among the pictures, ``valid/``, ``test/``).
"""

from __future__ import annotations

import json
import mmap
import os
import re
from dataclasses import dataclass
from pathlib import Path

from fish_dataset.errors import FishDataError
from fish_dataset.reading.disk import Folders

SPLITS = {"train": ("train",), "val": ("val", "valid"), "test": ("test",)}
CONVERT = "Convert it first: python tools/dataset/convert.py {root} OUT"

SHARDS = ".shards.npz"  # beside an annotation file whose pictures stand in tar files

_FILE_NAME = re.compile(rb'"file_name"\s*:\s*("(?:[^"\\]|\\.)*")')
_SAMPLE = 5  # file names that are looked for to choose an image folder


@dataclass(frozen=True)
class Split:
    """Where one part of a data set lies.

    Attributes:
        ann_file: The COCO JSON file.
        image_dir: The folder that its file_name values start from.
    """

    ann_file: Path
    image_dir: Path


def find_splits(data_dir: str | os.PathLike) -> dict[str, Split]:
    """The splits in a data folder: 'train', 'val' and 'test' where present.

    Other annotation files in the folder (``train_random.json``) are left alone; name them by path.

    Raises:
        FishDataError: ``data_dir`` is missing or no folder; it holds none of the layouts (with
            what was found and the command that converts it); one split could be two files; or no
            folder holds the pictures of a file.
    """
    root = Path(data_dir)
    if not root.is_dir():
        reason = "is a file, not a folder" if root.exists() else "no such data folder"
        raise FishDataError(f"{root}: {reason}; pass the folder that holds train.json and images/")
    splits = {}
    for split, names in SPLITS.items():
        candidates = _candidates(root, names)
        if len(candidates) > 1:
            listed = ", ".join(str(path) for path in candidates)
            raise FishDataError(
                f"{root}: the {split} split could be any of {listed}; move all but one away, "
                "or set ann_file in the config"
            )
        if candidates:
            splits[split] = _with_images(root, candidates[0])
    if not splits:
        raise FishDataError(_nothing_found(root))
    return splits


def _candidates(root: Path, names: tuple[str, ...]) -> list[Path]:
    found = [root / f"{name}.json" for name in names]
    for name in names:
        found += sorted(root.glob(f"annotations/instances_{name}*.json"))
        found.append(root / name / "_annotations.coco.json")
    # instances_val*.json finds instances_valid.json too: one file under two names.
    return [path for path in dict.fromkeys(found) if path.is_file()]


def _with_images(root: Path, ann_file: Path) -> Split:
    folders = image_folders(root, ann_file)
    if ann_file.with_suffix(SHARDS).is_file():  # tools/dataset/shard.py: pictures in tar files
        return Split(ann_file, folders[0])
    names = first_file_names(ann_file)
    existing = [folder for folder in folders if folder.is_dir()]
    if not names:  # an empty or broken file: reading it will say what is wrong
        return Split(ann_file, existing[0] if existing else folders[0])
    held = [sum((folder / name).is_file() for name in names) for folder in existing]
    if not any(held):  # paths of another machine, say
        held = [
            sum(disk.elsewhere(name) is not None for name in names)
            for disk in map(Folders, existing)
        ]
    if not any(held):
        tried = ", ".join(str(folder) for folder in folders)
        raise FishDataError(
            f"{ann_file}: no picture found: looked for {names[0]!r} in {tried}; "
            f"put the pictures into {folders[0]}"
        )
    return Split(ann_file, existing[held.index(max(held))])


def image_folders(root: Path, ann_file: Path) -> list[Path]:
    """Folders that may hold the pictures of ``ann_file``, the likeliest first."""
    if ann_file.name == "_annotations.coco.json":
        return [ann_file.parent, ann_file.parent / "images"]
    stem = ann_file.stem.removeprefix("instances_")
    split = re.match(r"train|valid|val|test", stem)
    names = list(dict.fromkeys([stem, split.group() if split else stem]))
    folders = [root / "images" / name for name in names] + [root / name for name in names]
    if ann_file.parent == root:
        return [root / "images", *folders, root]
    return [*folders, root / "images", root]


def first_file_names(ann_file: Path, count: int = _SAMPLE) -> list[str]:
    """The first ``count`` file_name values of a COCO file, found without decoding all of it.

    Raises:
        FishDataError: the file cannot be read.
    """
    names: list[str] = []
    try:
        if ann_file.stat().st_size == 0:
            return []
        with (
            ann_file.open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            for match in _FILE_NAME.finditer(data):
                try:
                    names.append(json.loads(match.group(1)).replace("\\", "/"))
                except ValueError:  # bad escape or encoding: reading the file will say so
                    continue
                if len(names) == count:
                    break
    except OSError as error:
        raise FishDataError(
            f"{ann_file}: cannot be read ({error.strerror}); check the file's permissions and disk"
        ) from error
    return names


def _nothing_found(root: Path) -> str:
    lines = [
        f"{root}: none of the known layouts. Looked for",
        "  train.json, val.json, test.json with images/ beside",
        "  annotations/instances_{train,val,test}*.json with image folders beside",
        "  {train,valid,test}/_annotations.coco.json (Roboflow's COCO export)",
        f"Found: {_describe(root)}",
    ]
    inner = [
        child for child in _folders(root) if any(_candidates(child, n) for n in SPLITS.values())
    ]
    if inner:
        lines.append(f"Did you mean {inner[0]}?")
    else:
        lines.append(CONVERT.format(root=root))
    return "\n".join(lines)


def _folders(root: Path) -> list[Path]:
    return sorted(child for child in root.iterdir() if child.is_dir())


def _describe(root: Path) -> str:
    signs = (
        ("YOLO", ("data.yaml", "data.yml", "labels/", "*/labels/", "classes.txt")),
        ("Pascal VOC", ("Annotations/*.xml", "*.xml", "*/*.xml")),
        ("table", ("*.csv", "*/*.csv")),
        ("JSON of another name", ("*.json", "annotations/*.json")),
    )
    found = []
    for kind, patterns in signs:
        for pattern in patterns:
            hit = next(iter(sorted(root.glob(pattern.rstrip("/")))), None)
            if hit is not None:
                found.append(f"{hit.relative_to(root)} ({kind})")
                break
    if not found:
        found = sorted(child.name for child in root.iterdir())[:5]
    return ", ".join(found) or "an empty folder"
