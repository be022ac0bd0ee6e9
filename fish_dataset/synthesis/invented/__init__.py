"""Twenty-eight species that do not exist, in look-alike pairs, for learning to tell species apart.

Seven families (a shape each), two genera a family (colours and pattern), two species a genus that
differ in one mark. Further ones come from a seed, for training alone.
Nothing here says anything of real fish.
"""

from __future__ import annotations

from .further import further_genera, further_species
from .table import CLASSES, PAIRS, SPECIES
from .taxonomy import catalogue_toml

__all__ = ["CLASSES", "PAIRS", "SPECIES", "catalogue_toml", "further_genera", "further_species"]
