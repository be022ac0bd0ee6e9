"""Where fetched models are kept, and whether anything may be fetched."""

from __future__ import annotations

import os
from pathlib import Path

from fishdet.errors import FishdetError

FOLDER, OFFLINE = "FISHDET_CACHE", "FISHDET_OFFLINE"
_YES, _NO = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")


def cache_folder() -> Path:
    """Return the folder of FISHDET_CACHE, else fishdet's below the user's cache folder."""
    named = os.environ.get(FOLDER)
    if named:
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "fishdet"


def offline() -> bool:
    """Whether FISHDET_OFFLINE forbids to fetch anything.

    Raises:
        FishdetError: it is neither yes nor no.
    """
    value = os.environ.get(OFFLINE, "").strip().lower()
    if value not in _YES + _NO:
        raise FishdetError(f"{OFFLINE}={value}: give 1 or 0")
    return value in _YES


def require_online(what: str, remedy: str) -> None:
    """Raise FishdetError where ``what`` would have to be fetched and FISHDET_OFFLINE is set."""
    if offline():
        raise FishdetError(f"{what} is not on this machine, and {OFFLINE} is set; {remedy}")
