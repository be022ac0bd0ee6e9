"""Names of data sets that are to be told apart, from their folders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from fish_dataset.errors import FishDataError

_NAME = re.compile(r"(?P<name>[\w.\- ]*)=(?P<folder>.+)", re.DOTALL)
_UNSAFE = re.compile(r"[^\w.\-]+")


def name_sets(folders: Sequence[str]) -> dict[str, Path]:
    """Folders by the names of their sets.

    Args:
        folders: ``FOLDER``, whose last part is the name (with its parent's where two are equal),
            or ``NAME=FOLDER``.

    Raises:
        FishDataError: a name that is empty, no folder name or given twice, or a folder twice.
    """
    named: dict[str, Path] = {}
    for text in folders:
        match = None if Path(text).is_dir() else _NAME.fullmatch(text)
        path = Path(match["folder"] if match else text)
        if path.resolve() in {other.resolve() for other in named.values()}:
            raise FishDataError(f"{path}: this data set is given twice")
        name = _checked(match["name"], text) if match else _free_name(path, named)
        if name in named:
            raise FishDataError(f"{text}: the name {name!r} is taken by {named[name]}")
        named[name] = path
    return named


def _checked(name: str, text: str) -> str:
    if not name.strip(". ") or _UNSAFE.search(name):
        raise FishDataError(f"{text}: {name!r} is no name; use letters, digits, - and _")
    return name


def _free_name(path: Path, named: dict[str, Path]) -> str:
    parts = [_UNSAFE.sub("-", part) for part in path.resolve().parts[1:]] or ["data"]
    for count in range(1, len(parts) + 1):
        name = "-".join(parts[-count:])
        if name.strip(".-") and name not in named:
            return name
    raise FishDataError(f"{path}: name this set: NAME={path}")
