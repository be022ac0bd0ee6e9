"""Where the pictures of a source are, and how large they are stored."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from PIL import Image

from fish_dataset.reading.disk import Folders

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})
"""Pictures that OpenCV reads, by the end of their name in small letters."""

_ORIENTATION = 0x0112  # Exif tag
_ERRORS = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
_DRIVE = re.compile(r"^[A-Za-z]:")


_SPLITS = {
    "train": re.compile(r"(instances_)?train(ing)?[-_]?\d*", re.IGNORECASE),
    "val": re.compile(r"(instances_)?(val|valid|validation|dev)[-_]?\d*", re.IGNORECASE),
    "test": re.compile(r"(instances_)?test(ing)?[-_]?\d*", re.IGNORECASE),
}


def split_of(name: str) -> str:
    """'train', 'val' or 'test' where ``name`` is one of their usual names (``valid``,
    ``train2017``, ``instances_val``), else ''."""
    return next((split for split, rule in _SPLITS.items() if rule.fullmatch(name.strip())), "")


def split_of_path(path: PurePosixPath | Path) -> str:
    """The split that the innermost folder with a split's name stands for, else ''."""
    return next(filter(None, map(split_of, reversed(path.parts[:-1]))), "")


def is_picture(name: str) -> bool:
    """Whether a file name ends as a picture's does; macOS's ``._`` shadows are none."""
    return not name.startswith("._") and os.path.splitext(name)[1].lower() in SUFFIXES


def list_pictures(folder: Path) -> list[Path]:
    """Every picture under ``folder``, sorted; [] where it is no folder. Links are not followed."""
    found = []
    for here, folders, names in os.walk(folder):
        folders.sort()
        found += [Path(here, name) for name in sorted(names) if is_picture(name)]
    return found


def clean_name(name: str) -> tuple[str, bool]:
    """A picture's name as other tools write it, with forward slashes.

    Returns:
        The name without drive, leading slashes and ``.`` or ``..`` parts, and whether it could be
        taken as it stands (False: it led out of its folder, so only its last parts mean anything).
    """
    slashed = _DRIVE.sub("", name.strip().replace("\\", "/"))
    parts = [part for part in slashed.split("/") if part not in ("", ".")]
    inside = slashed == name.strip().replace("\\", "/") and not slashed.startswith("/")
    kept = [part for part in parts if part != ".."]
    return "/".join(kept), inside and len(kept) == len(parts)


def displayed_size(path: Path) -> tuple[int, int, bool] | None:
    """(width, height) in pixels as OpenCV, and so training, loads the picture: turned where its
    Exif tag says so; and whether it is turned by a quarter. Labelling tools show it so, too.

    Reads the header only. None where the file is missing or no picture.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            turned = image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
    except _ERRORS:
        return None
    return (height, width, True) if turned else (width, height, False)


class Pictures:
    """Finds pictures by the names that annotation files give them.

    Args:
        folders: Where names start from, the likeliest first. Nothing outside them is found.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = [Folders(folder) for folder in dict.fromkeys(folders)]
        self._by_base: dict[str, list[Path]] | None = None

    def find(self, name: str, split: str = "") -> Path | None:
        """The picture that ``name`` means: the path itself under one of the folders, else the one
        file below them whose path ends in the same parts (not in a folder of another split than
        ``split``); None where there is none, or where several end alike."""
        clean, inside = clean_name(name)
        if not clean or "\0" in clean:
            return None
        if inside:
            for folder in self._folders:
                if not folder.missing([clean]):
                    return folder.root / clean
            for folder in self._folders:
                respelled = folder.respelled(clean)
                if respelled is not None:
                    return folder.root / respelled
        return self._by_last_parts(PurePosixPath(clean), split)

    def _by_last_parts(self, name: PurePosixPath, split: str) -> Path | None:
        if self._by_base is None:
            self._by_base = self._walk()
        alike = self._by_base.get(name.name.casefold(), [])
        if split:
            alike = [path for path in alike if self._split_below(path) in ("", split)]
        scores = [_shared_end(path.parts, name.parts) for path in alike]
        if not alike or scores.count(max(scores)) > 1:
            return None
        return alike[scores.index(max(scores))]

    def _split_below(self, path: Path) -> str:
        """The split that a path names below the folders it was found in, not above them."""
        tops = [f.root for f in self._folders if path.is_relative_to(f.root)]
        return split_of_path(path.relative_to(min(tops, key=lambda top: len(top.parts))))

    def _walk(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for path in dict.fromkeys(p for f in self._folders for p in list_pictures(f.root)):
            found.setdefault(path.name.casefold(), []).append(path)
        return found


def _shared_end(left: Sequence[str], right: Sequence[str]) -> int:
    count = 0
    for a, b in zip(reversed(left), reversed(right), strict=False):
        if a.casefold() != b.casefold():
            break
        count += 1
    return count
