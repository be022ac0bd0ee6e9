"""What a YOLO data set says of itself: class names, and where the pictures of each split are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from fish_dataset.errors import FishDataError
from fish_dataset.formats.builder import Builder, is_class_name
from fish_dataset.formats.pictures import (
    Pictures,
    is_picture,
    list_pictures,
    split_of,
    split_of_path,
)
from fish_dataset.formats.source import Options
from fish_dataset.formats.text import first_text, read_text

CONFIG_NAMES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml", "obj.data")
_NAME_FILES = ("classes.txt", "obj.names", "classes.names", "labels.txt", "predefined_classes.txt")
# The constructors of PyYAML let these through on tags with bad values, such as ``!!int ''``.
_YAML_ERRORS = (
    yaml.YAMLError,
    RecursionError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    ArithmeticError,
)
_MOST_CLASSES = 100_000
_SPLIT_KEYS = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}


def is_config(path: Path) -> bool:
    """Whether a file is a ``data.yaml`` or ``obj.data``, by its first lines."""
    text = first_text(path)
    if path.suffix in (".yaml", ".yml"):
        keys = {line.split(":")[0].strip() for line in text.splitlines() if ":" in line}
        return "names" in keys and bool(keys & {"train", "val", "valid", "test", "path", "nc"})
    return path.suffix == ".data" and "names" in text and "=" in text


def find_config(folder: Path) -> Path | None:
    """The configuration in a folder: of a usual name, else the only file that is one."""
    usual = [folder / name for name in CONFIG_NAMES if (folder / name).is_file()]
    if usual:
        return usual[0]
    others = [path for end in ("yaml", "yml", "data") for path in sorted(folder.glob(f"*.{end}"))]
    found = [path for path in others if is_config(path)]
    return found[0] if len(found) == 1 else None


@dataclass(frozen=True)
class Config:
    """A YOLO data set's description.

    Attributes:
        root: The folder that paths start from.
        names: Class names by number.
        entries: Split → what the configuration gives for it: folders or list files.
        keypoint_values: Numbers that follow each box.
        files: Files that are no labels, though they end in .txt.
        image_dir: Where the user says the pictures are.
        base: The folder that the configuration gives its paths from.
        read_from: The files that all this is from.
    """

    root: Path
    names: tuple[str, ...]
    entries: dict[str, list[str]] = field(default_factory=dict)
    keypoint_values: int = 0
    files: frozenset[Path] = frozenset()
    image_dir: Path | None = None
    base: str = ""
    read_from: tuple[Path, ...] = ()

    @classmethod
    def of(cls, source: Path, options: Options) -> Config:
        """The configuration of a folder or configuration file.

        Raises:
            FishDataError: it cannot be read, or nothing names the classes.
        """
        folder = source if source.is_dir() else source.parent
        path = find_config(folder) if source.is_dir() else source
        values: dict[str, Any] = {}
        if path is not None:
            values = _darknet(path) if path.suffix == ".data" else _yaml(path)
        names_file = _names_file(folder, values)
        names = options.class_names or _names(values.get("names"), path)
        if not names and names_file is not None:
            names = tuple(line.strip() for line in read_text(names_file).splitlines())
            names = names[: len(names) - sum(1 for _ in _blank_end(names))]
        if not names:
            raise FishDataError(
                f"{source}: nothing names the classes (data.yaml with names, classes.txt or "
                "obj.names); pass --classes NAME,NAME,… in the order of their numbers"
            )
        entries = {split: _entries(values, keys, path) for split, keys in _SPLIT_KEYS.items()}
        lists = [folder / Path(e).name for found in entries.values() for e in found]
        files = [folder / name for name in _NAME_FILES] + lists
        base = values.get("path")
        return cls(
            root=folder,
            names=_named(names),
            entries={split: found for split, found in entries.items() if found},
            keypoint_values=_keypoint_values(values.get("kpt_shape")),
            files=frozenset(files + ([names_file] if names_file else [])),
            image_dir=options.image_dir,
            base=base if isinstance(base, str) else "",
            read_from=tuple(file for file in (path, names_file) if file is not None),
        )

    @property
    def listed(self) -> bool:
        """Whether the configuration says which pictures belong to the set."""
        return bool(self.entries)

    def pictures(self, builder: Builder) -> Iterator[tuple[str, Path]]:
        """(split, picture) of the set, each picture once a split; what is missing goes to
        ``builder``. Without a configuration, or where nothing of it exists: all pictures of the
        folder, by the split that their folders name."""
        found = [
            (split, path)
            for split, entries in self.entries.items()
            for entry in entries
            for path in self._of_entry(split, entry, builder)
        ]
        if not found:
            top = self.image_dir or self.root
            found = [(_split_below(path, top), path) for path in list_pictures(top)]
        yield from dict.fromkeys(found)

    def _of_entry(self, split: str, entry: str, builder: Builder) -> Iterator[Path]:
        place = self._locate(entry)
        if place is None:
            what = "folder or list that the configuration names does not exist"
            builder.lose(what, split, entry, 0)
            return
        if not place.resolve().is_relative_to(self.root.resolve()):
            builder.note(f"{split} is read from {place}, as the configuration says")
        if place.is_dir():
            yield from list_pictures(place)
        else:
            yield from self._of_list(split, place, builder)

    def _of_list(self, split: str, place: Path, builder: Builder) -> Iterator[Path]:
        first = self.image_dir or place.parent
        pictures = Pictures([first, self.root])
        for line in read_text(place).splitlines():
            if not line.strip():
                continue
            path = pictures.find(line, split)
            if path is not None and is_picture(path.name):
                yield path
            else:
                builder.lose("picture of a list not found", place.name, line.strip(), 0)

    def _locate(self, entry: str) -> Path | None:
        """Where a path of the configuration leads; Roboflow writes ``../train/images`` for what
        lies beside the file (its own folder left out)."""
        slashed = entry.replace("\\", "/")
        inner = slashed
        while inner.startswith(("../", "./")):
            inner = inner.split("/", 1)[1]
        base = self.root / self.base
        for path in (base / slashed, self.root / inner, self.root / slashed):
            # os.path.exists is False, not an error, for names that no file can have.
            if os.path.exists(path) and not self._is_above(path):
                return path
        return None

    def _is_above(self, path: Path) -> bool:
        """Whether the data set would be only a part of what lies under ``path`` (``/``, ``..``)."""
        return self.root.resolve() != path.resolve() and self.root.resolve().is_relative_to(
            path.resolve()
        )


def _split_below(path: Path, root: Path) -> str:
    inner = path.relative_to(root)
    named = split_of_path(inner)
    if named:
        return named
    darknet = [part[4:-5] for part in inner.parts if part.startswith("obj_")]
    return split_of(darknet[0]) if darknet else ""


def _yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(read_text(path))
    except _YAML_ERRORS as error:
        raise FishDataError(f"{path}: no valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise FishDataError(f"{path}: is no YOLO configuration (keys names, train, val)")
    return values


def _darknet(path: Path) -> dict[str, Any]:
    pairs = (line.split("#")[0].split("=", 1) for line in read_text(path).splitlines())
    values = {pair[0].strip(): pair[1].strip() for pair in pairs if len(pair) == 2}
    return {key: value for key, value in values.items() if value}


def _names(value: object, path: Path | None) -> tuple[str, ...]:
    if isinstance(value, dict):
        numbers = [key for key in value if type(key) is int and 0 <= key < _MOST_CLASSES]
        if len(numbers) < len(value):
            raise FishDataError(f"{path}: names: the keys are no class numbers from 0")
        value = [value.get(number, "") for number in range(max(numbers, default=-1) + 1)]
    if not isinstance(value, list):
        return ()
    # No str() of a list: with YAML's aliases its text may be endless.
    if not all(isinstance(name, (str, int, float)) for name in value):
        raise FishDataError(f"{path}: names: a class name is no text")
    return tuple(map(str, value))


def _named(names: tuple[str, ...]) -> tuple[str, ...]:
    """Blank names get one by their number, so that no box is lost for it."""
    return tuple(
        name.strip() if is_class_name(name.strip()) else f"class {number}"
        for number, name in enumerate(names)
    )


def _names_file(folder: Path, values: dict[str, Any]) -> Path | None:
    given = values.get("names")
    wanted = [Path(given).name] if isinstance(given, str) and given else []
    tops = (folder, folder / "labels", *sorted(p for p in folder.iterdir() if p.is_dir()))
    places = [top / name for name in (*wanted, *_NAME_FILES) for top in tops]
    return next((place for place in places if os.path.isfile(place)), None)


def _blank_end(names: tuple[str, ...]) -> Iterator[str]:
    for name in reversed(names):
        if name:
            return
        yield name


def _entries(values: dict[str, Any], keys: tuple[str, ...], path: Path | None) -> list[str]:
    for key in keys:
        value = values.get(key)
        found = [value] if isinstance(value, str) else value
        if found is None:
            continue
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise FishDataError(f"{path}: {key}: is no path and no list of paths")
        return [item for item in found if item and "\0" not in item]
    return []


def _keypoint_values(shape: object) -> int:
    if isinstance(shape, list) and len(shape) == 2 and all(type(n) is int for n in shape):
        return max(0, shape[0] * shape[1])
    return 0
