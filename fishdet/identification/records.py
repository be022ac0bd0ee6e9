"""What a gallery keeps of a species beside its photos: id, names and wider groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fish_dataset.catalogue import Species, find, lineage, search
from fish_dataset.catalogue.species import fold
from fishdet.errors import FishdetError

LEVELS = ("species", "genus", "family")  # a claim is of one of these, or "fish"


@dataclass(frozen=True)
class Group:
    """A genus or family: rank, the catalogue's id, English (or Latin) and Korean name."""

    rank: str
    id: str
    name: str
    name_ko: str = ""


@dataclass(frozen=True)
class SpeciesRecord:
    """An entry that a gallery tells apart: a species, or a wider group where photos name no more.

    Attributes:
        id: the catalogue's, or ``own-…`` for a user's own.
        name: English, else scientific, else as the user gave it.
        name_ko: Korean, empty where unknown.
        scientific_name: empty where unknown.
        groups: genus and family, as far as known, the narrow one first.
    """

    id: str
    name: str
    name_ko: str = ""
    scientific_name: str = ""
    groups: tuple[Group, ...] = ()

    def at(self, level: str) -> tuple[str, str]:
        """Return id and name of the entry at a level of ``LEVELS``; texts are empty if unknown."""
        if level == LEVELS[0]:
            return self.id, self.name
        return next(((one.id, one.name) for one in self.groups if one.rank == level), ("", ""))

    def names(self) -> tuple[str, ...]:
        """Return all that it may be called by."""
        return tuple(
            name for name in (self.id, self.name, self.name_ko, self.scientific_name) if name
        )

    def plain(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {**asdict(self), "groups": [asdict(group) for group in self.groups]}


def from_plain(value: Mapping[str, Any]) -> SpeciesRecord:
    """Return the record that ``plain`` gave.

    Raises:
        KeyError, TypeError: it is no such record.
    """
    groups = tuple(Group(**group) for group in value["groups"])
    texts = {key: str(value[key]) for key in ("id", "name", "name_ko", "scientific_name")}
    return SpeciesRecord(groups=groups, **texts)


def record_of(name: str, own: bool = False, parent: str = "") -> SpeciesRecord:
    """Return the record of a species by any of its names.

    Args:
        name: in any language, as ``fish_dataset.catalogue.find`` takes it.
        own: make an entry of the user's own where the catalogue has none.
        parent: for such an entry, the genus or family that it belongs to, by any name.

    Raises:
        FishdetError: the catalogue has no such name, with the nearest that it has; no such
            ``parent``, or one without ``own``; or no name at all.
    """
    if not name.strip():
        raise FishdetError("the species has no name: an empty one was given")
    if parent and not own:
        raise FishdetError("--parent is of a species of your own: give --own too, or leave it out")
    known = find(name)
    if known is not None:
        return _from_catalogue(known)
    if not own:
        raise FishdetError(f"{unknown_name(name)}, or keep it as your own species with --own")
    above: tuple[Group, ...] = ()
    if parent:
        wide = find(parent)
        if wide is None:
            raise FishdetError(unknown_name(parent, "--parent"))
        above = _groups([wide, *lineage(wide)])
    key = "own-" + "-".join(name.casefold().split())
    return SpeciesRecord(key, name.strip(), groups=above)


def unknown_name(name: str, what: str = "species") -> str:
    """Return the message for a name that the catalogue has not."""
    near = [match for match in search(name, at_most=4)]
    listed = ", ".join(f"{match.name!r} ({match.species.id})" for match in near)
    hint = f"; did you mean {listed}?" if near else "."
    return (
        f"{what} {name!r} is not in the catalogue{hint} Give a name that "
        "`python -m fish_dataset.catalogue NAME` finds, or name a file of your own entries in "
        "FISHDET_CATALOGUE"
    )


def matching(name: str, records: Sequence[SpeciesRecord]) -> int | None:
    """Return the place of the record that ``name`` means, or None."""
    known = find(name)
    wanted = {fold(name), *([known.id] if known else [])}
    for place, record in enumerate(records):
        if record.id in wanted or wanted & {fold(one) for one in record.names()}:
            return place
    return None


def _from_catalogue(known: Species) -> SpeciesRecord:
    korean = known.names.get("ko", ())
    groups = _groups(lineage(known))
    if (
        known.rank == "species"
        and known.scientific_name
        and not any(g.rank == "genus" for g in groups)
    ):
        genus = known.scientific_name.split()[0]  # the catalogue leaves it to the name
        groups = (Group("genus", f"genus {genus.casefold()}", genus), *groups)
    return SpeciesRecord(
        known.id, _shown(known), korean[0] if korean else "", known.scientific_name, groups
    )


def _groups(entries: Sequence[Species]) -> tuple[Group, ...]:
    found = []
    for one in entries:
        if one.rank in LEVELS[1:]:
            korean = one.names.get("ko", ())
            found.append(Group(one.rank, one.id, _shown(one), korean[0] if korean else ""))
    return tuple(found)


def _shown(one: Species) -> str:
    english = one.names.get("en", ())
    return english[0] if english else one.scientific_name or one.id
