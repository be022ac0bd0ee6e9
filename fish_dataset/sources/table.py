"""Read the table of public sets, ``sources.toml``.

Each ``[[source]]`` has

- ``name`` (what ``fetch.py`` takes), ``title``, ``format`` (of ``convert.py``; left out where the
  format is recognised, or has no reader), ``verified`` (whether this project has downloaded it)
- ``manual``: how a person gets it, where no program can; such a set works with ``--from`` only
- ``notes``
- ``facts.FIELD = { value, source, accessed }`` for home, licence, images, boxes, species, size,
  citation and query (the address of an API that is asked for a concept): each beside the address
  of the text that states it and the day it was read. What no text states is left out.
- ``[[source.files]]``: ``url``, ``source`` and ``accessed`` likewise, and where known ``name``,
  ``sha256``, ``size`` (bytes), ``mirrors``.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from fish_dataset.errors import FishDataError
from fish_dataset.sources.download import Expected
from fish_dataset.sources.transfer import check_address

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FACTS = ("home", "licence", "images", "boxes", "species", "size", "citation", "query")
NOT_STATED = "not stated"
_FIELDS = {"name", "title", "format", "verified", "manual", "notes", "facts", "files"}
_FILE_FIELDS = {"url", "source", "accessed", "name", "sha256", "size", "mirrors"}
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Fact:
    """What a text says: the value, the text's address, the day it was read."""

    value: str | int
    source: str
    accessed: str


@dataclass(frozen=True)
class RemoteFile:
    """A file to download, by the name it is stored under."""

    url: str
    name: str
    source: str
    accessed: str
    sha256: str | None = None
    size: int | None = None
    mirrors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """One public set."""

    name: str
    title: str
    facts: Mapping[str, Fact]
    files: tuple[RemoteFile, ...] = ()
    format: str = ""
    manual: str = ""
    notes: str = ""
    verified: bool = False

    def says(self, field: str) -> str:
        """A fact as text, 'not stated' where no text states it."""
        fact = self.facts.get(field)
        if fact is None:
            return NOT_STATED
        return f"{fact.value:,}" if isinstance(fact.value, int) else fact.value

    @property
    def query(self) -> str:
        """The address of the API that the set is asked from, ''."""
        fact = self.facts.get("query")
        return str(fact.value) if fact else ""


@lru_cache(maxsize=1)
def all_sources() -> tuple[Source, ...]:
    """The table that comes with the project, in its order."""
    text = resources.files(__package__).joinpath("sources.toml").read_text(encoding="utf-8")
    return parse_sources(text)


def read_sources(path: Path) -> tuple[Source, ...]:
    """A table of the user's own, in the same form.

    Raises:
        FishDataError: the file cannot be read, or an entry is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FishDataError(f"{path}: cannot be read: {error}") from error
    return parse_sources(text, str(path))


def find_source(name: str, sources: Sequence[Source] | None = None) -> Source:
    """The set of that name, in ``sources`` or else in the project's table.

    Raises:
        FishDataError: there is none; the message names the nearest.
    """
    by_name = {source.name: source for source in (sources or all_sources())}
    if name in by_name:
        return by_name[name]
    near = difflib.get_close_matches(name.lower(), by_name, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(by_name)}"
    raise FishDataError(f"no public set is called {name!r}; {hint}")


def parse_sources(text: str, where: str = "sources.toml") -> tuple[Source, ...]:
    """Read a table in TOML.

    Raises:
        FishDataError: not TOML, or an entry that is wrong; names entry, field and value.
    """
    try:
        tables = tomllib.loads(text).get("source", [])
    except tomllib.TOMLDecodeError as error:
        raise FishDataError(f"{where} is not TOML: {error}") from error
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise FishDataError(f"{where}: 'source' must be written as [[source]] tables")
    sources: dict[str, Source] = {}
    for number, table in enumerate(tables, start=1):
        source = _source(table, f"{where}, entry {number} ({table.get('name', 'without name')})")
        if source.name in sources:
            raise FishDataError(f"{where}: two entries are called {source.name!r}")
        sources[source.name] = source
    return tuple(sources.values())


def _source(table: Mapping[str, Any], where: str) -> Source:
    _only(table, _FIELDS, where)
    name = _text(table, "name", where)
    if not _NAME.fullmatch(name):
        raise FishDataError(f"{where}: name {name!r} is not small letters, digits and hyphens")
    facts = table.get("facts", {})
    if not isinstance(facts, dict):
        raise FishDataError(f"{where}: facts must be a table")
    _only(facts, set(FACTS), f"{where}, facts")
    source = Source(
        name=name,
        title=_text(table, "title", where),
        facts={field: _fact(fact, f"{where}, facts.{field}") for field, fact in facts.items()},
        files=tuple(_file(file, where) for file in table.get("files", [])),
        format=_text(table, "format", where, ""),
        manual=_text(table, "manual", where, ""),
        notes=_text(table, "notes", where, ""),
        verified=table.get("verified") is True,
    )
    ways = [bool(source.files), bool(source.manual), bool(source.query)]
    if sum(ways) != 1:
        raise FishDataError(f"{where}: needs either files, or manual, or facts.query")
    if "home" not in source.facts:
        raise FishDataError(f"{where}: facts.home is missing")
    return source


def _fact(table: Any, where: str) -> Fact:
    if not isinstance(table, dict):
        raise FishDataError(f"{where}: must be {{ value = …, source = …, accessed = … }}")
    _only(table, {"value", "source", "accessed"}, where)
    value = table.get("value")
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise FishDataError(f"{where}: value {value!r} is no text and no whole number")
    return Fact(value, *_origin(table, where))


def _file(table: Any, where: str) -> RemoteFile:
    if not isinstance(table, dict):
        raise FishDataError(f"{where}: files must be written as [[source.files]] tables")
    _only(table, _FILE_FIELDS, f"{where}, files")
    url = _text(table, "url", where)
    stored = table.get("name") or unquote(PurePosixPath(urlsplit(url).path).name)
    if not isinstance(stored, str) or not _FILE_NAME.fullmatch(stored):
        raise FishDataError(
            f"{where}: file name {stored!r}; give name = with letters, digits, . _ -"
        )
    mirrors = table.get("mirrors", [])
    if not isinstance(mirrors, list) or not all(isinstance(mirror, str) for mirror in mirrors):
        raise FishDataError(f"{where}: mirrors must be a list of addresses")
    origin = _origin(table, where)
    try:
        expected = Expected(table.get("sha256"), table.get("size"))
        addresses = [check_address(address) for address in (url, *mirrors)]
    except FishDataError as error:
        raise FishDataError(f"{where}: {error}") from error
    return RemoteFile(
        url, stored, *origin, expected.sha256, expected.size, mirrors=tuple(addresses[1:])
    )


def _origin(table: Mapping[str, Any], where: str) -> tuple[str, str]:
    source, accessed = _text(table, "source", where), _text(table, "accessed", where)
    if not source.startswith(("https://", "http://")):
        raise FishDataError(f"{where}: source {source!r} is no address")
    try:
        date.fromisoformat(accessed)
    except ValueError as error:
        raise FishDataError(
            f"{where}: accessed {accessed!r} is no day such as 2026-11-25"
        ) from error
    return source, accessed


def _text(table: Mapping[str, Any], field: str, where: str, default: str | None = None) -> str:
    value = table.get(field, default)
    if not isinstance(value, str) or (default is None and not value):
        raise FishDataError(f"{where}: {field} is missing or no text: {value!r}")
    return value


def _only(table: Mapping[str, Any], fields: set[str], where: str) -> None:
    unknown = sorted(set(table) - fields)
    if unknown:
        raise FishDataError(
            f"{where}: unknown field {', '.join(unknown)}; there are {', '.join(sorted(fields))}"
        )
