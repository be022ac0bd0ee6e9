"""The indexes of models: those of FISHDET_MODELS, then the one that comes with fishdet."""

from __future__ import annotations

import difflib
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from urllib.parse import quote, urljoin

from fish_dataset.errors import FishDataError
from fish_dataset.sources.download import download
from fishdet.errors import FishdetError

from .cache import cache_folder, offline, require_online
from .entries import INDEX, MAX_INDEX, Entry, check_source, parse_index

VARIABLE = "FISHDET_MODELS"
_WEB = ("http://", "https://")


@dataclass(frozen=True)
class Index:
    """An index that was read: where it is, a path or an address, and its entries by name."""

    place: str
    entries: dict[str, Entry]

    @property
    def on_web(self) -> bool:
        """Whether it is an address."""
        return self.place.startswith(_WEB)

    def local_file(self, entry: Entry) -> Path | None:
        """Return the entry's file where the index is a folder that holds it."""
        if self.on_web or not entry.file:
            return None
        return Path(self.place).parent / entry.file

    def addresses(self, entry: Entry) -> tuple[str, ...]:
        """Return where to fetch the entry's file from, in the order to try."""
        own = self.beside(entry.file) if entry.file and self.on_web else entry.address
        return (*filter(None, [own]), *entry.mirrors)

    def beside(self, path: str) -> str:
        """Return the path or address of what the index names by a relative path."""
        if "://" in path:
            return path
        return (
            urljoin(self.place, quote(path)) if self.on_web else str(Path(self.place).parent / path)
        )


def find(name: str) -> tuple[Index, Entry]:
    """Return the first entry of that name; indexes behind it are not asked.

    Raises:
        FishdetError: there is none, which names the nearest, or an index cannot be read.
    """
    known: list[str] = []
    for index in indexes():
        if name in index.entries:
            return index, index.entries[name]
        known += index.entries
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = (
        f"did you mean {' or '.join(near)}?" if near else f"{len(known)} models are known by name"
    )
    raise FishdetError(
        f"{name}: no such model file or folder, and no index has a model of this name; {hint} "
        f"(tools/models.py list; indexes are named in {VARIABLE})"
    )


def indexes() -> Iterator[Index]:
    """Yield the indexes, each read when it is asked for.

    Raises:
        FishdetError: one cannot be read.
    """
    for place in os.environ.get(VARIABLE, "").split(","):
        if place.strip():
            yield read_index(place.strip())
    shipped = resources.files(__package__).joinpath(INDEX)
    yield Index(str(shipped), parse_index(shipped.read_text(encoding="utf-8"), str(shipped)))


def read_index(place: str) -> Index:
    """Read an index.

    Args:
        place: a file, a folder that holds ``models.toml``, or the web address of either. Of one on
            the web a copy is kept, which serves while the server cannot be reached.

    Raises:
        FishdetError: it cannot be read or is wrong.
    """
    if place.startswith(_WEB):
        return _fetched(place if place.endswith(".toml") else f"{place.rstrip('/')}/{INDEX}")
    path = Path(place).expanduser()
    path = path / INDEX if path.is_dir() else path
    if not path.is_file():
        raise FishdetError(
            f"{VARIABLE}: {path}: no such index; name files, folders with a {INDEX} or web "
            "addresses, with commas between them"
        )
    return Index(str(path), parse_index(_text(path), str(path)))


def _fetched(address: str) -> Index:
    check_source(address, VARIABLE)
    kept = cache_folder() / "indexes" / f"{hashlib.sha256(address.encode()).hexdigest()[:16]}.toml"
    if kept.is_file() and offline():
        return Index(address, parse_index(_text(kept), address))
    require_online(address, "unset one of the two, or fetch it once")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            fresh = Path(folder) / INDEX
            download(address, fresh, limit=MAX_INDEX, timeout=5, backoff=0.1)
            entries = parse_index(_text(fresh), address)
            os.replace(fresh, kept)
    except FishDataError as error:
        return _copy_of(address, kept, str(error))
    except OSError as error:
        raise FishdetError(
            f"{kept.parent}: {error.strerror or error}; see FISHDET_CACHE"
        ) from error
    return Index(address, entries)


def _copy_of(address: str, kept: Path, reason: str) -> Index:
    if not kept.is_file():
        raise FishdetError(f"{VARIABLE}: {reason}")
    day = datetime.fromtimestamp(kept.stat().st_mtime).strftime("%Y-%m-%d %H:%M")
    print(f"note: {reason}; its copy of {day} is used", file=sys.stderr)
    return Index(address, parse_index(_text(kept), address))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_INDEX + 1).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FishdetError(f"{path}: cannot be read: {error}") from error
