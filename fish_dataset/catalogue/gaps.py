"""How much of the catalogue is known."""

from __future__ import annotations

from collections.abc import Iterable

from .species import Species

FIELDS = ("names.ko", "names.en", "parent", "aphia_id", "authority", "size", "habitat", "season",
          "similar", "danger", "conservation", "korea_law")  # fmt: skip


def count_gaps(entries: Iterable[Species]) -> dict[str, tuple[int, int]]:
    """Return, by field, how many species lack it and how many there are (rank 'species' only)."""
    species = [one for one in entries if one.rank == "species"]
    return {
        field: (sum(not known(one, field) for one in species), len(species)) for field in FIELDS
    }


def count_named(entries: Iterable[Species], rank: str, language: str) -> tuple[int, int]:
    """Return how many entries of ``rank`` have a name in ``language``, and how many there are."""
    ranked = [one for one in entries if one.rank == rank]
    return sum(bool(one.names.get(language)) for one in ranked), len(ranked)


def known(species: Species, field: str) -> bool:
    """Whether an entry holds something in ``field`` ('size', 'names.ko', …)."""
    group, _, language = field.partition(".")
    value = getattr(species, group)
    return bool(value.get(language) if language else value)


def filled(species: Species) -> tuple[str, ...]:
    """Return the fields that hold a fact and so need a source."""
    names = tuple(f"names.{language}" for language, names in species.names.items() if names)
    plain = ("scientific_name", "synonyms", "labels", *FIELDS[2:])
    return (*names, *(field for field in plain if known(species, field)))
