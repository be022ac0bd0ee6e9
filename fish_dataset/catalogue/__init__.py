"""Species and what they are called, each fact with the text that it was read in."""

from __future__ import annotations

from .species import Source, Species, all_species, display_name, find

__all__ = ["Source", "Species", "all_species", "display_name", "find"]
