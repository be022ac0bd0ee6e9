"""The catalogue as one value, and look-up by exact name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fish_dataset.errors import FishDataError

from .links import check_links
from .reading import Document, load, parse, read_sources, read_species
from .species import LANGUAGES, Species, fold

ENVIRONMENT = "FISHDET_CATALOGUE"


@dataclass(frozen=True)
class Catalogue:
    """All entries, in the order of their files, by id and by folded name."""

    entries: tuple[Species, ...]
    by_id: Mapping[str, Species]
    by_name: Mapping[str, Species]


def find(name: str) -> Species | None:
    """Return the entry that bears ``name`` in any language, or None.

    Case, accents, spaces, hyphens, underscores and dots make no difference, and Hangul may be
    composed or not. A typo is not forgiven here: ``search`` proposes.
    """
    return catalogue().by_name.get(fold(name))


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
    if species is None or not wanted or fold(name) in map(fold, wanted):
        return name
    if lang == "en" and fold(name) in map(fold, (species.id, *species.latin_names())):
        return name
    return wanted[0]


def all_species() -> tuple[Species, ...]:
    """Return the whole catalogue, the user's entries last."""
    return catalogue().entries


def catalogue(*extra: str | os.PathLike[str]) -> Catalogue:
    """Return the catalogue that comes with the package and the user's files.

    Args:
        extra: TOML files, or folders with such files. Without any, those that the environment
            variable ``FISHDET_CATALOGUE`` lists, separated as in PATH.

    Raises:
        FishDataError: a fault in one of the files.
    """
    listed = os.environ.get(ENVIRONMENT, "").split(os.pathsep)
    own = tuple(os.fspath(path) for path in extra)
    return _read(own or tuple(path for path in listed if path.strip()))


def catalogue_of(text: str) -> Catalogue:
    """Return the catalogue of one text in TOML, without the package's own entries."""
    return build([("catalogue", parse(text))])


def build(documents: Sequence[Document]) -> Catalogue:
    """Return the catalogue of files that were read.

    An entry of a later file takes the place of an earlier file's entry of the same id.

    Raises:
        FishDataError: a fault in a file, a name that two entries bear, a parent or a similar
            species that is no entry, a parent that is not wider, or a circle of parents.
    """
    sources = read_sources(documents)
    entries: dict[str, Species] = {}
    origin: dict[str, str] = {}
    for document in documents:
        for species in read_species(document, sources):
            if origin.get(species.id) == document[0]:
                raise FishDataError(f"{document[0]}: two entries have the id {species.id!r}")
            entries[species.id], origin[species.id] = species, document[0]
    check_links(entries, origin)
    return Catalogue(tuple(entries.values()), entries, _by_name(entries.values(), origin))


def _by_name(entries: Iterable[Species], origin: Mapping[str, str]) -> dict[str, Species]:
    index: dict[str, Species] = {}
    for one in entries:
        for name in one.all_names():
            other = index.setdefault(fold(name), one)
            if other is not one:
                raise FishDataError(
                    f"{origin[one.id]}: {other.id!r} (of {origin[other.id]}) and {one.id!r} both "
                    f"bear the name {name!r}; a name must lead to one entry: take it from one, or "
                    "give both entries one id"
                )
    return index


@lru_cache(maxsize=8)
def _read(extra: tuple[str, ...]) -> Catalogue:
    own = sorted(Path(__file__).parent.glob("*.toml"))
    paths = [file for path in extra for file in _files(Path(path))]
    return build([load(path) for path in [*own, *paths]])


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("*.toml")) if path.is_dir() else [path]
