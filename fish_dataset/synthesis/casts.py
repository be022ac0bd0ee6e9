"""Which species a drawn data set shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .invented import PAIRS
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
