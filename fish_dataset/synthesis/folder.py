"""The folder of a generated set: what it was made from, whether it is whole, whose it is."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from fish_dataset import files
from fish_dataset.errors import FishDataError
from fish_dataset.files import file_sha256

from .casts import CASTS, Cast, further_cast

GENERATOR = "fish_dataset.synthesis"
VERSION = 1  # to be raised with every change that changes pictures or boxes
SPLITS = ("train", "val")
SPEC_FILE, CATALOGUE_FILE = "spec.json", "catalogue.toml"
_IMAGE = re.compile(r"(train|val)_\d{6}\.jpg")


@dataclass(frozen=True)
class Spec:
    """Everything that the bytes of a generated set depend on, beside the libraries' versions."""

    seed: int = 0
    train: int = 1500
    val: int = 300
    size: int = 256
    cast: str = "builtin"
    further: int = 0
    pairs: int = 0

    def __post_init__(self) -> None:
        """Raises FishDataError for a number that no set can be made from."""
        limits = {
            "seed": (0, 2**63),
            "train": (0, 999_999),
            "val": (0, 999_999),
            "size": (64, 4096),
            "further": (0, 999_999 - self.train if isinstance(self.train, int) else 0),
            "pairs": (0, 499),
        }
        for field, (low, high) in limits.items():
            value = getattr(self, field)
            whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
            if not whole or not low <= value <= high:
                raise FishDataError(
                    f"drawn data set: {field}={value!r} is not a whole number from {low} to {high}"
                )

        if self.cast not in CASTS:
            raise FishDataError(
                f"drawn data set: cast={self.cast!r} is unknown; there are {', '.join(CASTS)}"
            )
        if bool(self.further) != bool(self.pairs) or (self.pairs and self.cast != "invented"):
            raise FishDataError(
                f"drawn data set: further={self.further} pictures of pairs={self.pairs} further "
                f"pairs with cast={self.cast!r}: both go together, and with cast='invented' only"
            )

    def images(self, split: str) -> int:
        """Number of pictures of a split; the further ones come last in train."""
        return self.train + self.further if split == "train" else self.val

    @property
    def classes(self) -> tuple[str, ...]:
        """Names in the order of the labels: the cast's, then the further species'."""
        return CASTS[self.cast].classes + further_cast(self.pairs).classes

    def shown(self, split: str, index: int) -> tuple[Cast, int]:
        """Return the cast of a picture, and the label of its first species."""
        if split == "train" and index >= self.train:
            return further_cast(self.pairs), len(CASTS[self.cast].plans)
        return CASTS[self.cast], 0

    def record(self) -> dict[str, Any]:
        """The spec as JSON data, with the generator's name and version and a hash of it all."""
        numbers = {field: int(value) for field, value in asdict(self).items() if field != "cast"}
        if not self.pairs:  # sets of before there were further species keep their record
            del numbers["further"], numbers["pairs"]
        classes = list(self.classes)
        record = {"generator": GENERATOR, "version": VERSION, **numbers, "classes": classes}
        if self.cast != "builtin":  # the built-in set's record is as it was before there were casts
            record["cast"] = self.cast
        text = json.dumps(record, sort_keys=True, separators=(",", ":"))
        return {**record, "hash": hashlib.sha256(text.encode()).hexdigest()}


def image_name(split: str, index: int) -> str:
    """File name of a picture; ``index`` counts from 0, names from 1."""
    return f"{split}_{index + 1:06d}.jpg"


def read_spec(root: Path) -> dict[str, Any] | None:
    """What ``root/spec.json`` says, None where there is no such file or it is not ours."""
    try:
        record = json.loads((root / SPEC_FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    ours = isinstance(record, dict) and record.get("generator") == GENERATOR
    return record if ours else None


def is_whole(root: Path, spec: Spec) -> bool:
    """Whether ``root`` holds exactly this set, with every file in place."""
    record = read_spec(root)
    if record is None or record.get("hash") != spec.record()["hash"]:
        return False
    if not all((root / f"{split}.json").is_file() for split in SPLITS):
        return False
    folder = root / "images"
    present = set(os.listdir(folder)) if folder.is_dir() else set()
    return all(
        image_name(split, index) in present
        for split in SPLITS
        for index in range(spec.images(split))
    )


def check_replaceable(root: Path) -> None:
    """Raise FishDataError unless ``root`` is absent, empty, or an unchanged set of ours."""
    remedy = "Give another folder, or move this one away (or delete it) and start again."
    if not root.exists():
        return
    if not root.is_dir():
        raise FishDataError(f"{root}: is a file; the drawn data set needs a folder there. {remedy}")
    entries = sorted(entry.name for entry in root.iterdir())
    if not entries:
        return
    record = read_spec(root)
    if record is None:
        raise FishDataError(
            f"{root}: holds {', '.join(entries[:5])} but no {SPEC_FILE} of the drawn data set, "
            f"so it is not replaced. {remedy}"
        )
    ours = {SPEC_FILE, CATALOGUE_FILE, "images", *(f"{split}.json" for split in SPLITS)}
    foreign = set(entries) - ours
    if (root / "images").is_dir():
        foreign |= {name for name in os.listdir(root / "images") if not _IMAGE.fullmatch(name)}
    if foreign:
        raise FishDataError(
            f"{root}: would be drawn anew, but holds files that are not of the drawn data set: "
            f"{', '.join(sorted(foreign)[:5])}. {remedy}"
        )
    known = record.get("digests", {})
    for split in SPLITS:
        path = root / f"{split}.json"
        if path.is_file() and file_sha256(path) != known.get(path.name):
            raise FishDataError(
                f"{path}: would be drawn anew, but was changed since it was written. {remedy}"
            )


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the lock of ``root``: of several processes one draws, the others wait for it.

    The lock file ``.NAME.lock`` beside the folder stays: removing it would race with the next.
    """
    root.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(root.with_name(f".{root.name}.lock")):
        yield


@contextmanager
def replacing(root: Path) -> Iterator[Path]:
    """A fresh folder with ``images/`` that takes the place of ``root``, whose lock is held."""
    for left in root.parent.glob(f".{root.name}.partial-*"):
        shutil.rmtree(left)  # of a process that was killed; nobody else holds the lock
    with files.replacing(root) as work:
        (work / "images").mkdir()
        yield work
