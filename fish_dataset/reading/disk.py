"""What the image folder holds: names by one listing a folder, sizes from picture headers."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

_ORIENTATION = 0x0112  # Exif tag; 5 to 8 mean a quarter turn
_ERRORS = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)


class Folders:
    """File names under an image folder; each folder is listed once, when first asked for.

    One ``os.scandir`` in place of a ``stat`` for each picture: a hundred thousand pictures on a
    network disk take one round trip.

    Args:
        root: The image folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._names: dict[str, frozenset[str]] = {}
        self._folds: dict[str, dict[str, list[str]]] = {}

    def missing(self, file_names: Iterable[str]) -> list[int]:
        """Positions of the names that are not on disk."""
        gone = []
        for position, name in enumerate(file_names):
            folder, _, base = name.rpartition("/")
            if base not in self._listing(_folder_of(name, folder)):
                gone.append(position)
        return gone

    def respelled(self, file_name: str) -> str | None:
        """The one name on disk that differs only in case or Unicode form, if there is one."""
        folder, _, base = file_name.rpartition("/")
        folder = _folder_of(file_name, folder)
        if folder not in self._folds:
            folds: dict[str, list[str]] = {}
            for name in self._listing(folder):
                folds.setdefault(_fold(name), []).append(name)
            self._folds[folder] = folds
        alike = self._folds[folder].get(_fold(base), [])
        if len(alike) != 1:
            return None
        return file_name[: len(file_name) - len(base)] + alike[0]

    def elsewhere(self, file_name: str) -> str | None:
        """The name on disk where ``file_name`` starts some folders too high, or one too low.

        Exporters disagree whether 'images/' or 'train/' belongs to the name: 'images/x.jpg' is
        x.jpg in a root called images, and x.jpg is images/x.jpg in a root that holds that folder.
        Folders are left off only where the root does not hold them: of 'dive1/x.jpg' beside a
        folder dive1, x.jpg is another picture.
        """
        names, rest = [file_name.removeprefix(f"{self.root.resolve().name}/")], file_name
        while "/" in rest and not self._listing(_folder_of(rest, rest.rpartition("/")[0])):
            rest = rest.partition("/")[2]
            names.append(rest)
        for name in (*names, f"images/{file_name}"):
            if name and name != file_name and not self.missing([name]):
                return name
        return None

    def _listing(self, folder: str) -> frozenset[str]:
        if folder not in self._names:
            try:
                with os.scandir(self.root / folder) as entries:
                    self._names[folder] = frozenset(entry.name for entry in entries)
            except (OSError, ValueError):  # no such folder; a null byte in its name
                self._names[folder] = frozenset()
        return self._names[folder]


def _folder_of(name: str, folder: str) -> str:
    return folder or ("/" if name.startswith("/") else "")


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def describe_folder(folder: Path, limit: int = 3) -> str:
    """A few words on what a folder holds, for an error message."""
    if not folder.is_dir():
        return f"{folder} {'is no folder' if folder.exists() else 'does not exist'}"
    try:
        names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError as error:
        return f"{folder} cannot be listed ({error.strerror})"
    if not names:
        return f"{folder} is empty"
    more = ", …" if len(names) > limit else ""
    return f"{folder} holds {len(names)} entries ({', '.join(names[:limit])}{more})"


def picture_size(path: str | os.PathLike) -> tuple[int, int] | None:
    """(width, height) in pixels from a picture's header, as OpenCV turns it by its Exif tag.

    Returns:
        None where the file is missing or no picture.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            turned = image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
    except _ERRORS:
        return None
    return (height, width) if turned else (width, height)
