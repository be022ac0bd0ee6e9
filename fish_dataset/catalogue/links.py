"""Whether the entries' references to one another hold."""

from __future__ import annotations

from collections.abc import Mapping

from fish_dataset.errors import FishDataError

from .species import RANKS, Species


def check_links(entries: Mapping[str, Species], origin: Mapping[str, str]) -> None:
    """Check parents and similar species.

    Args:
        entries: all entries by id.
        origin: the file of each, for the message.

    Raises:
        FishDataError: a parent or similar species that is no other entry, a parent that is not
            wider, or a circle of parents.
    """
    for one in entries.values():
        where = f"{origin[one.id]}, entry {one.id!r}"
        for field, ids in _references(one):
            for id_ in ids:
                if id_ not in entries or id_ == one.id:
                    raise FishDataError(
                        f"{where}, field {field!r}: {id_!r} is no other entry's id; add that "
                        "entry or correct the id"
                    )
        if one.parent:
            _check_wider(one, entries[one.parent], where)
    for one in entries.values():
        _check_circle(one, entries, origin[one.id])


def _references(one: Species) -> tuple[tuple[str, tuple[str, ...]], ...]:
    parent = (one.parent,) if one.parent else ()
    return ("parent", parent), ("similar", tuple(similar.id for similar in one.similar))


def _check_wider(one: Species, parent: Species, where: str) -> None:
    ranked = "group" not in (one.rank, parent.rank)
    if ranked and RANKS.index(parent.rank) <= RANKS.index(one.rank):
        raise FishDataError(
            f"{where}, field 'parent': {parent.id!r} is a {parent.rank}, not wider than a "
            f"{one.rank}; name a wider entry"
        )


def _check_circle(one: Species, entries: Mapping[str, Species], file: str) -> None:
    seen = [one.id]
    while one.parent:
        if one.parent in seen:
            raise FishDataError(
                f"{file}, field 'parent': {' → '.join([*seen, one.parent])} runs in a circle; "
                "correct one of them"
            )
        seen.append(one.parent)
        one = entries[one.parent]
