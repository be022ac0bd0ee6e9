"""Look species up by any of their names."""

from __future__ import annotations

import re
import sys
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from fish_dataset.errors import FishDataError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LANGUAGES = ("en", "ko")
RANKS = ("species", "genus", "family", "order", "class", "group")


@dataclass(frozen=True)
class Source:
    """Where a fact was read: what it says, the address of the text, the day (ISO) it was read."""

    fact: str
    url: str
    accessed: str


@dataclass(frozen=True)
class Species:
    """A species, or a wider group where a data set's class is one.

    ``scientific_name`` is the taxon's Latin name, empty where the group is no single taxon.
    ``names`` maps a language ('en', 'ko') to its names, the usual one first.
    """

    id: str
    scientific_name: str
    rank: str
    names: dict[str, tuple[str, ...]]
    sources: tuple[Source, ...]

    def all_names(self) -> tuple[str, ...]:
        """Return every name of every language, the scientific name and the id."""
        spoken = tuple(name for names in self.names.values() for name in names)
        latin = (self.scientific_name,) if self.scientific_name else ()
        return (self.id, *latin, *spoken)


def find(name: str) -> Species | None:
    """Return the species that bears ``name`` in any language, or None.

    Case, accents, spaces, hyphens, underscores and dots make no difference, and Hangul may be
    composed or not.
    """
    return _index().get(fold(name))


def display_name(name: str, lang: str) -> str:
    """Return how a class is to be shown in ``lang``.

    A name that already is of that language stays as it was written, so that English output
    repeats the class names of the data set; a scientific name stays for 'en' too. A class that
    the catalogue does not know, or has no name for, keeps its own name.

    Args:
        name: a class name, in any language.
        lang: 'en' or 'ko'.

    Raises:
        FishDataError: an unknown language.
    """
    if lang not in LANGUAGES:
        raise FishDataError(f"language {lang!r} is unknown; choose one of {', '.join(LANGUAGES)}")
    species = find(name)
    wanted = species.names.get(lang, ()) if species else ()
    if not wanted or fold(name) in map(fold, wanted):
        return name
    if lang == "en" and species and fold(name) == fold(species.scientific_name):
        return name
    return wanted[0]


@lru_cache(maxsize=1)
def all_species() -> tuple[Species, ...]:
    """Return the whole catalogue in the order of its file."""
    text = resources.files(__package__).joinpath("species.toml").read_text(encoding="utf-8")
    return parse(text)


def parse(text: str) -> tuple[Species, ...]:
    """Return the species of a catalogue in TOML.

    Raises:
        FishDataError: not TOML, a field missing, an unknown rank, a repeated id, or a name that
            two species claim.
    """
    try:
        tables = tomllib.loads(text).get("species", [])
    except tomllib.TOMLDecodeError as error:
        raise FishDataError(f"species.toml is not TOML: {error}") from error
    found = tuple(_species(number, table) for number, table in enumerate(tables, start=1))
    index_by_name(found)
    return found


def index_by_name(species: tuple[Species, ...]) -> dict[str, Species]:
    """Return the species by folded name.

    Raises:
        FishDataError: two species share a name.
    """
    index: dict[str, Species] = {}
    for one in species:
        for name in one.all_names():
            other = index.setdefault(fold(name), one)
            if other is not one:
                raise FishDataError(
                    f"species.toml: {other.id!r} and {one.id!r} both bear the name {name!r}; "
                    "a name must lead to one entry"
                )
    return index


def fold(name: str) -> str:
    """Return a name without what spellings differ in: case, accents, spaces, ``- _ .``."""
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.sub(r"[\s\-_.'’]+", "", unicodedata.normalize("NFC", plain).casefold())


@lru_cache(maxsize=1)
def _index() -> dict[str, Species]:
    return index_by_name(all_species())


def _species(number: int, table: dict[str, Any]) -> Species:
    where = f"species.toml, entry {number} ({table.get('id', 'without id')})"
    try:
        names = {lang: tuple(table["names"].get(lang, ())) for lang in LANGUAGES}
        sources = tuple(Source(**source) for source in table.get("sources", []))
        species = Species(table["id"], table["scientific_name"], table["rank"], names, sources)
    except (KeyError, TypeError, AttributeError) as error:
        raise FishDataError(f"{where}: a field is missing or unknown: {error}") from error
    if species.rank not in RANKS:
        raise FishDataError(f"{where}: rank {species.rank!r}; choose one of {', '.join(RANKS)}")
    return species
