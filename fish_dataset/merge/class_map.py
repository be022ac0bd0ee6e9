"""From the class lists of several data sets to one, and where each class goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fish_dataset.catalogue import find
from fish_dataset.errors import FishDataError
from fish_dataset.merge.class_identity import (
    FISH,
    Identity,
    NameStyle,
    class_name,
    identify,
    wider_classes,
)

Policy = Literal["ignore", "generic", "keep"]
POLICIES = ("ignore", "generic", "keep")


@dataclass(frozen=True)
class Move:
    """Where one class of one set goes.

    Attributes:
        set_name: The data set.
        name: The class as the set spells it.
        becomes: The merged class; for ignored ones, a class that their boxes could be of.
        ignored: Whether its boxes become ignored regions.
        how: In words, why.
        closer: Merged classes of other sets that its boxes may be of.
    """

    set_name: str
    name: str
    becomes: str
    ignored: bool
    how: str
    closer: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClassMap:
    """The classes of a merged data set and what becomes of those of each set, in their order."""

    classes: tuple[str, ...]
    moves: dict[str, tuple[Move, ...]]

    def labels(self, set_name: str) -> np.ndarray:
        """(C,) int32, the merged label of each class of the set."""
        number = {name: label for label, name in enumerate(self.classes)}
        return np.array([number[move.becomes] for move in self.moves[set_name]], dtype=np.int32)

    def ignored(self, set_name: str) -> np.ndarray:
        """(C,) bool, the classes of the set whose boxes become ignored regions."""
        return np.array([move.ignored for move in self.moves[set_name]], dtype=bool)

    def not_labelled(self, set_name: str) -> list[str]:
        """Merged classes that the set labels under no name, though its pictures may show them.

        Those that a wider class of the set holds are not among them.
        """
        moves = self.moves[set_name]
        own = {move.becomes for move in moves if not move.ignored}
        own |= {name for move in moves for name in move.closer}
        return [name for name in self.classes if name not in own]


def map_classes(
    sets: Mapping[str, Sequence[str]],
    *,
    names: NameStyle = "first",
    unknown: Policy = "ignore",
) -> ClassMap:
    """Put class lists together by what the names mean.

    Args:
        sets: Class names of each set.
        names: Language of the merged names; see ``class_name``.
        unknown: What becomes of a class that is wider than one of another set ('fish' beside
            species, a genus beside its species): 'ignore', its boxes become ignored regions;
            'generic', all such classes become one class 'fish'; 'keep', it stays as it is.

    Raises:
        FishDataError: an unknown policy or style of names.
    """
    if unknown not in POLICIES:
        raise FishDataError(f"unknown {unknown!r}: choose one of {', '.join(POLICIES)}")
    identities = {key: [identify(name) for name in classes] for key, classes in sets.items()}
    wider = {} if unknown == "keep" else wider_classes(identities)
    targets = _targets(identities, wider, unknown)
    merged = _merged_names(sets, targets, names)
    moves = {
        set_name: tuple(
            _move(set_name, name, one, target, wider, merged)
            for name, one, target in zip(
                classes, identities[set_name], targets[set_name], strict=True
            )
        )
        for set_name, classes in sets.items()
    }
    return ClassMap(tuple(merged.values()), moves)


def _targets(
    identities: Mapping[str, Sequence[Identity]],
    wider: Mapping[tuple[str, str], list[str]],
    unknown: Policy,
) -> dict[str, list[Identity | None]]:
    """The identity that each class gets; None where it is ignored."""
    generic = Identity(FISH, find(FISH), FISH) if unknown == "generic" else None
    return {
        set_name: [generic if (set_name, one.key) in wider else one for one in classes]
        for set_name, classes in identities.items()
    }


def _merged_names(
    sets: Mapping[str, Sequence[str]],
    targets: Mapping[str, Sequence[Identity | None]],
    names: NameStyle,
) -> dict[str, str]:
    """Merged names by key, in the order of first appearance; no two are equal."""
    merged: dict[str, str] = {}
    for set_name, classes in sets.items():
        for name, target in zip(classes, targets[set_name], strict=True):
            if target is None or target.key in merged:
                continue
            own = identify(name).key == target.key
            chosen = class_name(target, name if own else FISH, names)
            taken = chosen in merged.values()
            merged[target.key] = f"{chosen} ({target.key})" if taken else chosen
    return merged


def _move(
    set_name: str,
    name: str,
    one: Identity,
    target: Identity | None,
    wider: Mapping[tuple[str, str], list[str]],
    merged: Mapping[str, str],
) -> Move:
    keys = wider.get((set_name, one.key), [])
    closer = tuple(merged[key] for key in keys if key in merged)
    if target is None:
        # The label of an ignored box is looked at by nobody; it only has to be a class.
        kept = next(iter(closer), next(iter(merged.values())))
        return Move(set_name, name, kept, True, _why(closer, "ignored"), closer)
    how = _why(closer, f"generic {FISH}") if keys else one.how
    return Move(set_name, name, merged[target.key], False, how, closer)


def _why(closer: Sequence[str], becomes: str) -> str:
    more = ", …" if len(closer) > 3 else ""
    return f"{becomes}: wider than {', '.join(closer[:3])}{more}"
