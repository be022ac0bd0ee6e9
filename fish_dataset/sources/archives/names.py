"""Which names of an archive's members may become files of ours."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

from fish_dataset.errors import FishDataError

_DRIVE = re.compile(r"[A-Za-z]:")
_LONGEST = 255  # bytes of one part of a path, on the usual file systems
_CLUTTER = re.compile(r"(^|/)(__MACOSX|\.DS_Store|Thumbs\.db|desktop\.ini)(/|$)|(^|/)\._[^/]*$")


def safe_name(name: str) -> str:
    """Return a member's name as a relative path with forward slashes, '' for the root itself.

    Raises:
        FishDataError: a name that leads out of the folder or that some system reads otherwise:
            absolute, with ``..``, a drive, a backslash, a NUL or other control character, or a
            part that is too long.
    """
    if any(unicodedata.category(letter) == "Cc" for letter in name):
        raise FishDataError(f"member {name!r}: a control character in its name")
    if "\\" in name:
        raise FishDataError(f"member {name!r}: a backslash in its name")
    if name.startswith("/") or _DRIVE.match(name):
        raise FishDataError(f"member {name!r}: an absolute name")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise FishDataError(f"member {name!r}: leads out of the folder")
    if any(len(part.encode("utf-8", "surrogatepass")) > _LONGEST for part in parts):
        raise FishDataError(f"member {name[:80]!r}…: a name longer than {_LONGEST} bytes")
    try:
        "".join(parts).encode("utf-8")
    except UnicodeEncodeError as error:
        raise FishDataError(f"member {name!r}: a name that is no text") from error
    return "/".join(parts)


def is_clutter(name: str) -> bool:
    """Whether a member is what macOS and Windows leave behind, not data."""
    return _CLUTTER.search(name) is not None


class Names:
    """The names of one archive so far; refuses those that would fall on one another.

    Two names are one on a file system that ignores case (Windows, macOS), so they are refused
    everywhere: unpacked there, one would silently replace the other.
    """

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._folders: set[str] = set()

    def add(self, name: str) -> None:
        """Take a file's name, as ``safe_name`` gave it.

        Raises:
            FishDataError: the name is taken, or is a folder's, or goes through a file.
        """
        key = _fold(name)
        parents = [_fold(str(parent)) for parent in PurePosixPath(name).parents][:-1]
        other = self._files.get(key)
        if other is not None:
            twice = "is in the archive twice" if other == name else f"and {other!r} differ by case"
            raise FishDataError(f"member {name!r} {twice}; one would overwrite the other")
        if key in self._folders or any(parent in self._files for parent in parents):
            raise FishDataError(f"member {name!r} is a file and a folder at once")
        self._files[key] = name
        self._folders.update(parents)


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
