"""Data sets of a benchmark as folders: the drawn set by its name, other annotation files."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import fishdet
from fish_dataset.errors import FishDataError
from fish_dataset.files import replacing
from fish_dataset.layout import Split, find_splits, first_file_names, image_folders
from fishdet.binding import draw_builtin
from fishdet.config import load_config
from fishdet.errors import FishdetError

from .spec import BUILTIN, DataSpec, Spec

BUILTIN_CONFIG = Path("configs/_base_/datasets/fish_builtin.py")


def settle(spec: Spec, out: Path) -> Spec:
    """Return a benchmark all of whose data sets are folders that ``--data`` takes.

    ``builtin`` is drawn where it is not yet. A data set with ``files`` becomes
    ``OUT/data/NAME``: copies of those annotation files and a link to their pictures.

    Raises:
        FishDataError: a folder or file that cannot be read.
        FishdetError: annotation files that are not there.
    """
    return replace(spec, data=tuple(_settled(data, out) for data in spec.data))


def _settled(data: DataSpec, out: Path) -> DataSpec:
    if data.path == Path(BUILTIN):
        data = replace(data, path=_drawn())
    if data.files:
        data = replace(data, path=_of_files(data, out / "data" / data.name))
    return data


def _drawn() -> Path:
    root = Path(fishdet.__file__).resolve().parent.parent
    return draw_builtin(dict(load_config(root / BUILTIN_CONFIG).builtin_data))


def _of_files(data: DataSpec, target: Path) -> Path:
    """Make the folder of other annotation files, or leave it where it is the same already."""
    given = {name: data.path / file for name, file in (data.files or {}).items()}
    for name, path in given.items():
        if not path.is_file():
            held = ", ".join(sorted(p.name for p in data.path.glob("*.json"))) or "none"
            raise FishdetError(
                f"data: {data.name}: files.{name} = {path.name!r}: not in {data.path}, whose JSON "
                f"files are {held}"
            )
    splits = {name: _split(data.path, path) for name, path in given.items()}
    folders = {split.image_dir.resolve() for split in splits.values()}
    if len(folders) > 1:
        listed = ", ".join(map(str, sorted(folders)))
        raise FishdetError(
            f"data: {data.name}: its files' pictures lie in several folders: {listed}"
        )
    if not _same(target, splits):
        with replacing(target) as work:
            for name, split in splits.items():
                shutil.copyfile(split.ann_file, work / f"{name}.json")
            (work / "images").symlink_to(folders.pop(), target_is_directory=True)
    return target


def _split(root: Path, ann_file: Path) -> Split:
    names = first_file_names(ann_file)
    for folder in image_folders(root, ann_file):
        if any((folder / name).is_file() for name in names):
            return Split(ann_file, folder)
    raise FishDataError(f"{ann_file}: no picture found: looked for {names[:1]} below {root}")


def _same(target: Path, splits: dict[str, Split]) -> bool:
    if not target.is_dir():
        return False
    held = find_splits(target)
    return {name: split.ann_file.read_bytes() for name, split in held.items()} == {
        name: split.ann_file.read_bytes() for name, split in splits.items()
    } and all(split.image_dir.resolve() == splits[name].image_dir.resolve()
              for name, split in held.items())  # fmt: skip
