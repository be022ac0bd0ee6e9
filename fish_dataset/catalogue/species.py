"""What the catalogue holds of a species or of a wider group, and how names are compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

LANGUAGES = ("en", "ko")  # a class can be shown in these; other languages are for looking up
RANKS = ("species", "genus", "family", "order", "class", "group")  # from narrow to wide


@dataclass(frozen=True)
class Source:
    """A text in which facts were read: what it is, its address, the day (ISO) it was read."""

    key: str
    title: str
    url: str
    accessed: str


@dataclass(frozen=True)
class Size:
    """Lengths in centimetres; ``measure`` says between which points."""

    max_cm: float | None = None
    common_cm: float | None = None
    measure: str = ""


@dataclass(frozen=True)
class Habitat:
    """Where it lives: FishBase's zone, the kinds of water, and depths in metres (from, to)."""

    zone: str = ""
    waters: tuple[str, ...] = ()
    depth_m: tuple[int, ...] = ()


@dataclass(frozen=True)
class Season:
    """Months (1 to 12) of an event; ``first_month`` after ``last_month`` runs over New Year."""

    event: str
    first_month: int
    last_month: int
    where: str = ""


@dataclass(frozen=True)
class Similar:
    """Another species that this one is taken for, and what tells this one from it."""

    id: str
    tell: str = ""


@dataclass(frozen=True)
class Danger:
    """A danger to who handles or eats it: its kind and where it sits."""

    kind: str
    note: str = ""


@dataclass(frozen=True)
class Conservation:
    """Category of the IUCN Red List ('LC', 'VU', …) and the year of the assessment."""

    iucn: str
    year: int | None = None


@dataclass(frozen=True)
class Closed:
    """Days ('MM-DD', both included) on which the species may not be caught."""

    first: str
    last: str
    note: str = ""


@dataclass(frozen=True)
class KoreaLaw:
    """National limits of Korea: up to ``min_cm`` or ``min_g`` it may not be caught.

    ``note`` says what else the law says of the species, such as that it disturbs ecosystems.

    Regions may set stricter ones, and the law changes: a hint for a look at the law, no advice.
    """

    min_cm: float | None = None
    measure: str = ""
    min_g: float | None = None
    females: str = ""
    closed: tuple[Closed, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Species:
    """A species, or a wider group where a data set's class is one.

    What no text was found for is empty: "not known here", never "has none".

    Attributes:
        id: stable and unique, ``scomber-japonicus``.
        scientific_name: the taxon's Latin name, empty where the group is no single taxon.
        rank: one of ``RANKS``.
        names: language ('en', 'ko', 'fr', …) → its names, the usual one first.
        parent: id of the next wider entry, empty at the top.
        synonyms: other scientific names.
        labels: names that data sets give the class and nobody else would.
        authority: who described it, and when.
        aphia_id: its number in the World Register of Marine Species.
        sources: field ('size', 'names.ko', …) → the texts in which it was read.
    """

    id: str
    scientific_name: str
    rank: str
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    parent: str = ""
    synonyms: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    authority: str = ""
    aphia_id: int | None = None
    size: Size | None = None
    habitat: Habitat | None = None
    season: tuple[Season, ...] = ()
    similar: tuple[Similar, ...] = ()
    danger: tuple[Danger, ...] = ()
    conservation: Conservation | None = None
    korea_law: KoreaLaw | None = None
    sources: Mapping[str, tuple[Source, ...]] = field(default_factory=dict)

    def latin_names(self) -> tuple[str, ...]:
        """Return the scientific name and its synonyms."""
        return (*((self.scientific_name,) if self.scientific_name else ()), *self.synonyms)

    def all_names(self) -> tuple[str, ...]:
        """Return the id, the scientific names, every name of every language and the labels."""
        spoken = tuple(name for names in self.names.values() for name in names)
        return (self.id, *self.latin_names(), *spoken, *self.labels)


def fold(name: str) -> str:
    """Return a name without what spellings differ in: case, accents, spaces, ``- _ .``."""
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.sub(r"[\s\-_.'’]+", "", unicodedata.normalize("NFC", plain).casefold())
