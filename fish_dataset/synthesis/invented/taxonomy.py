"""The invented species as a catalogue file, so that ranks are known: FISHDET_CATALOGUE names it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .further import further_genera
from .table import GENERA, Genus

PREFIX = "invented"


def catalogue_toml(pairs: int = 0) -> str:
    """Return families, genera and species in the form of ``fish_dataset.catalogue``."""
    entries = _entries((*GENERA, *further_genera(pairs)))
    return "# Species that do not exist, drawn by fish_dataset.synthesis\n" + "\n".join(entries)


def _entries(genera: Sequence[Genus]) -> Iterator[str]:
    for family in dict.fromkeys(genus.family for genus in genera):
        yield _entry(_id(family), "family", f"{family} (invented)", "")
    for genus in genera:
        yield _entry(_id(genus.name), "genus", f"{genus.name} (invented)", _id(genus.family))
        for first, _, _ in genus.pair:
            name = f"{first} {genus.name}"
            yield _entry(_id(name), "species", name, _id(genus.name))


def _entry(key: str, rank: str, name: str, parent: str) -> str:
    lines = ["[[species]]", f'id = "{key}"', 'scientific_name = ""', f'rank = "{rank}"']
    lines.append(f'names.en = ["{name}"]')
    return "\n".join([*lines, f'parent = "{parent or "fish"}"', ""])


def _id(name: str) -> str:
    return f"{PREFIX}-{name.replace(' ', '-')}"
