"""Who belongs to whom: a species' wider entries, and a group's members."""

from __future__ import annotations

from .index import Catalogue, catalogue
from .species import Species


def lineage(species: Species, within: Catalogue | None = None) -> tuple[Species, ...]:
    """Return the wider entries of ``species``, the next one first: genus, family, … 'fish'."""
    entries = (within or catalogue()).by_id
    above = []
    while species.parent:
        species = entries[species.parent]
        above.append(species)
    return tuple(above)


def is_ancestor(wide: Species, narrow: Species, within: Catalogue | None = None) -> bool:
    """Whether ``narrow`` belongs to ``wide`` and is not ``wide`` itself."""
    return any(above.id == wide.id for above in lineage(narrow, within))


def members(wide: Species, within: Catalogue | None = None) -> tuple[Species, ...]:
    """Return all entries that belong to ``wide``, in the order of the catalogue."""
    entries = (within or catalogue()).entries
    return tuple(one for one in entries if is_ancestor(wide, one, within))
