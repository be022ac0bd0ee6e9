"""Read catalogue files: TOML with ``[[species]]`` entries and ``[sources.KEY]`` tables."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from fish_dataset.errors import FishDataError

from .checks import Wrong, unknown_key
from .fields import FIELDS
from .species import Source, Species

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NEEDED = ("id", "scientific_name", "rank")
Document = tuple[str, Mapping[str, Any]]  # name of the file, its content


def load(path: Path) -> Document:
    """Return a catalogue file's name and content.

    Raises:
        FishDataError: the file cannot be read, is not UTF-8 or not TOML.
    """
    try:
        return str(path), parse(path.read_text(encoding="utf-8-sig"), str(path))
    except OSError as error:
        raise FishDataError(
            f"{path}: the catalogue cannot be read: {error.strerror}; "
            "give the path of a TOML file, or of a folder with such files"
        ) from error
    except UnicodeDecodeError as error:
        raise FishDataError(f"{path}: not UTF-8 text ({error}); save it as UTF-8") from error


def parse(text: str, file: str = "catalogue") -> Mapping[str, Any]:
    """Return the tables of a catalogue's text.

    Raises:
        FishDataError: not TOML, or tables that no catalogue has.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FishDataError(f"{file}: not TOML: {error}") from error
    other = sorted(set(content) - {"species", "sources"})
    if other:
        raise FishDataError(
            f"{file}: {other[0]!r} is unknown; a catalogue has [[species]] and [sources.KEY] tables"
        )
    return content


def read_sources(documents: Iterable[Document]) -> dict[str, Source]:
    """Return the sources of all files by key.

    Raises:
        FishDataError: a field missing, unknown or wrong, or a key that two files define.
    """
    sources: dict[str, Source] = {}
    for file, content in documents:
        for key, table in _tables(file, "sources", content.get("sources", {}), dict).items():
            where = f"{file}, sources.{key}"
            if key in sources:
                raise FishDataError(f"{where}: this key is taken already; choose another")
            sources[key] = _source(where, key, table)
    return sources


def read_species(document: Document, sources: Mapping[str, Source]) -> list[Species]:
    """Return the entries of one file in its order.

    Raises:
        FishDataError: a field missing, unknown or wrong; the message names file, entry, field,
            value and what to do.
    """
    file, content = document
    tables = _tables(file, "species", content.get("species", []), list)
    return [_species(file, number, table, sources) for number, table in enumerate(tables, 1)]


def _tables(file: str, name: str, value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        form = "[[species]]" if kind is list else "[sources.KEY]"
        raise FishDataError(f"{file}: {name!r} is no table of the form {form}")
    return value


def _source(where: str, key: str, table: Any) -> Source:
    fields = ("title", "url", "accessed")
    if not isinstance(table, dict) or set(table) != set(fields):
        raise FishDataError(f"{where}: takes exactly {', '.join(fields)}, not {table!r}")
    if not re.fullmatch(r"https?://\S+", str(table["url"])):
        raise FishDataError(f"{where}, url: {table['url']!r} is no address; it starts with http")
    accessed = str(table["accessed"])
    try:
        date.fromisoformat(accessed)
    except ValueError:
        raise FishDataError(
            f"{where}, accessed: {accessed!r} is no day; write YYYY-MM-DD"
        ) from None
    return Source(key, str(table["title"]), str(table["url"]), accessed)


def _species(file: str, number: int, table: Any, sources: Mapping[str, Source]) -> Species:
    name = table.get("id", "without id") if isinstance(table, dict) else "no table"
    where = f"{file}, entry {number} ({name})"
    if not isinstance(table, dict):
        raise FishDataError(f"{where}: {table!r}; write [[species]] and its fields below")
    missing = [field for field in NEEDED if field not in table]
    if missing:
        raise FishDataError(f"{where}: field {missing[0]!r} is missing; add it")
    cited = table.get("sources", {})
    values = {key: _field(where, key, table[key]) for key in table if key != "sources"}
    return Species(**values, sources=_cited(where, cited, table, sources))


def _field(where: str, key: str, value: Any) -> Any:
    if key not in FIELDS:
        raise FishDataError(f"{where}: field {key!r} is unknown; {unknown_key(key, FIELDS)}")
    try:
        return FIELDS[key](value)
    except Wrong as wrong:
        raise FishDataError(f"{where}, field {key!r}: {value!r}: {wrong}") from None


def _cited(
    where: str, cited: Any, table: Mapping[str, Any], sources: Mapping[str, Source]
) -> dict[str, tuple[Source, ...]]:
    if not isinstance(cited, dict):
        raise FishDataError(f"{where}, field 'sources': takes a table: field = [keys of sources]")
    found = {}
    for field, keys in cited.items():
        group, _, language = field.partition(".")
        if group not in table or (language and language not in table[group]):
            raise FishDataError(
                f"{where}, sources: {field!r} is no field of this entry; correct it"
            )
        for key in keys if isinstance(keys, list) else [keys]:
            if key not in sources:
                raise FishDataError(
                    f"{where}, sources.{field}: {key!r} is no source; define [sources.{key}] with "
                    "title, url and accessed"
                )
        found[field] = tuple(sources[key] for key in keys)
    return found
