"""Which species a drawn data set shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .invented import PAIRS, further_species
from .invented import SPECIES as INVENTED
from .plans import BodyPlan
from .species import MIXED_SCHOOLS, SPECIES


@dataclass(frozen=True)
class Cast:
    """The species of a drawn set, and which of them swim together in mixed schools, by name."""

    plans: tuple[BodyPlan, ...]
    pairs: tuple[tuple[str, str], ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names in the order of the labels."""
        return tuple(plan.name for plan in self.plans)


BUILTIN = Cast(SPECIES, MIXED_SCHOOLS)
CASTS: Mapping[str, Cast] = {"builtin": BUILTIN, "invented": Cast(INVENTED, PAIRS)}


def further_cast(pairs: int) -> Cast:
    """Return so many pairs of further invented species; see ``invented.further``."""
    plans = further_species(pairs)
    names = tuple(plan.name for plan in plans)
    return Cast(plans, tuple(zip(names[::2], names[1::2], strict=True)))
