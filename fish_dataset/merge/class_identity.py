"""Which class names of several data sets mean the same, and which mean more than others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fish_dataset.catalogue import Species, find, fold, is_ancestor
from fish_dataset.errors import FishDataError

NameStyle = Literal["first", "en", "ko", "scientific"]
FISH = "fish"
"""Id of the catalogue's entry for a fish of any kind."""

_BINOMIAL = re.compile(r"[A-Z][a-z]{2,}[ _](?:[a-z]{3,}|spp?\.?)")


@dataclass(frozen=True)
class Identity:
    """What a class name means.

    Attributes:
        key: Equal for names that mean the same: the catalogue's id, or the folded spelling.
        entry: The catalogue's entry; None where it does not know the name.
        name: The name itself.
    """

    key: str
    entry: Species | None
    name: str

    @property
    def how(self) -> str:
        """In words, by what the name was identified."""
        return f"catalogue: {self.key}" if self.entry else "spelling"


def identify(name: str) -> Identity:
    """The identity of a class name; names are told apart by nothing that ``fold`` takes away."""
    entry = find(name)
    return Identity(entry.id if entry else f"name {fold(name)}", entry, name)


def is_wider(one: Identity, other: Identity) -> bool:
    """Whether everything that is ``other`` also is ``one``, and not the reverse.

    Ranks above a species are wider by the catalogue's lineage. Of the names that the catalogue
    does not know, a genus is wider than those that begin with it, and 'fish' than those in the
    form of a scientific name ('Nemipterus furcosus', 'Lethrinus sp.') or with 'fish' in them.
    """
    if one.entry is None or one.key == other.key:
        return False
    if other.entry is None:
        if one.entry.rank == "genus":
            return re.split("[ _]", other.name)[0] == one.entry.scientific_name != other.name
        fishy = _BINOMIAL.fullmatch(other.name) or FISH in other.name.casefold()
        return one.key == FISH and bool(fishy)
    return is_ancestor(one.entry, other.entry)


def wider_classes(sets: Mapping[str, Sequence[Identity]]) -> dict[tuple[str, str], list[str]]:
    """Classes that may hold what another set names more closely.

    Where a set has both a wider and a closer class, its annotators told the two apart, and its
    wider class means the others: a closer class counts only if the set does not have it.

    Args:
        sets: Identities of the classes of each set.

    Returns:
        Keys of the closer classes by (set, key of the wider class).
    """
    wider: dict[tuple[str, str], list[str]] = {}
    known = {one.key: one for identities in sets.values() for one in identities}
    for name, identities in sets.items():
        own = {one.key for one in identities}
        for one in identities:
            closer = [k for k, other in known.items() if k not in own and is_wider(one, other)]
            if closer:
                wider[name, one.key] = closer
    return wider


def class_name(identity: Identity, first: str, style: NameStyle) -> str:
    """The name that a merged class gets.

    Args:
        identity: What the class is.
        first: Its spelling in the first set that has it.
        style: 'first' keeps that; the others take the catalogue's name where it has one.

    Raises:
        FishDataError: an unknown style.
    """
    if style not in ("first", "en", "ko", "scientific"):
        raise FishDataError(f"names {style!r}: choose one of first, en, ko, scientific")
    entry = identity.entry
    if entry is None or style == "first":
        return first
    if style == "scientific":
        return entry.scientific_name or first
    names = entry.names.get(style, ())
    return names[0] if names else first
