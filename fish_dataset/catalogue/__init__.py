"""Species and what they are called, each fact with the text that it was read in."""

from __future__ import annotations

from .index import Catalogue, all_species, catalogue, display_name, find
from .search import Match, search
from .species import Source, Species, fold
from .taxonomy import is_ancestor, lineage, members

__all__ = [
    "Catalogue",
    "Match",
    "Source",
    "Species",
    "all_species",
    "catalogue",
    "display_name",
    "find",
    "fold",
    "is_ancestor",
    "lineage",
    "members",
    "search",
]
