"""Look a species up: ``python -m fish_dataset.catalogue 고등어``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from fish_dataset.cli import exit_status

from .gaps import count_gaps, count_named, filled
from .index import Catalogue, catalogue
from .search import Match, search
from .species import Source, Species
from .taxonomy import lineage, members

NOT_FOUND = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns its exit status: 0 found, 1 not found, 2 a user's mistake."""
    parser = argparse.ArgumentParser(
        prog="python -m fish_dataset.catalogue",
        description="Look a species or group up by any of its names; small typos are forgiven.",
        epilog="Entries of your own: a TOML file named by --catalogue or by FISHDET_CATALOGUE "
        "(docs/catalogue.md).",
    )
    parser.add_argument("name", nargs="*", help="a name in any language, or a scientific name")
    parser.add_argument("--gaps", action="store_true", help="count what is not known yet")
    parser.add_argument(
        "--catalogue", metavar="TOML", action="append", default=[], help="more entries"
    )
    options = parser.parse_args(arguments)
    if not options.name and not options.gaps:
        parser.error("give a name, or --gaps")
    return exit_status(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    found = catalogue(*options.catalogue)
    if options.gaps:
        _print_gaps(found)
    if not options.name:
        return 0
    return _look_up(" ".join(options.name), found)


def _look_up(name: str, found: Catalogue) -> int:
    matches = search(name, found)
    if matches and (matches[0].kind == "exact" or _is_clear(matches)):
        if matches[0].kind == "typo":
            print(f"{name!r} is no known name; the nearest is {matches[0].name!r}:\n")
        print("\n".join(_lines(matches[0].species, found)))
        return 0
    if not matches:
        print(f"{name!r} is no known name, nor is one near it", file=sys.stderr)
        return NOT_FOUND
    print(f"{name!r} is no known name; did you mean one of these?", file=sys.stderr)
    for match in matches:
        print(f"  {match.name}  ({match.species.id})", file=sys.stderr)
    return NOT_FOUND


def _is_clear(matches: Sequence[Match]) -> bool:
    """Whether one entry alone is nearest by typo."""
    first, *others = matches
    return first.kind == "typo" and all(
        other.kind != "typo" or other.edits > first.edits for other in others
    )


def _lines(species: Species, found: Catalogue) -> Iterator[str]:
    cited: dict[str, Source] = {}
    title = f"{species.scientific_name or species.id} {species.authority}".rstrip()
    marks = _marks(species, "scientific_name", cited) + _marks(species, "authority", cited)
    yield f"{title}{marks}  ({species.rank}, id {species.id})"
    above = [wide.scientific_name or wide.id for wide in lineage(species, found)]
    if above:
        yield f"  belongs to: {' < '.join(above)}{_marks(species, 'parent', cited)}"
    below = len(members(species, found))
    if below:
        yield f"  entries within it: {below}"
    for field in filled(species):
        if field not in ("parent", "authority", "scientific_name"):
            yield f"  {field}: {_shown(_value(species, field))}{_marks(species, field, cited)}"
    for number, source in enumerate(cited.values(), 1):
        yield f"  [{number}] {source.title}\n      {source.url} (read {source.accessed})"


def _value(species: Species, field: str) -> Any:
    group, _, language = field.partition(".")
    value = getattr(species, group)
    return value[language] if language else value


def _shown(value: Any) -> str:
    if is_dataclass(value) and not isinstance(value, type):
        return ", ".join(
            f"{item.name.replace('_', ' ')} {_shown(member)}"
            for item in fields(value)
            if (member := getattr(value, item.name)) not in (None, "", ())
        )
    if isinstance(value, tuple):
        numbers = all(isinstance(member, int) for member in value)
        return (" to " if numbers else "; ").join(map(_shown, value))
    return str(value)


def _marks(species: Species, field: str, cited: dict[str, Source]) -> str:
    numbers = []
    for source in species.sources.get(field, ()):
        cited.setdefault(source.key, source)
        numbers.append(list(cited).index(source.key) + 1)
    return "".join(f" [{number}]" for number in numbers)


def _print_gaps(found: Catalogue) -> None:
    ranks = [one.rank for one in found.entries]
    counts = ", ".join(f"{ranks.count(rank)} {rank}" for rank in dict.fromkeys(sorted(ranks)))
    print(f"{len(ranks)} entries: {counts}")
    named, families = count_named(found.entries, "family", "ko")
    print(f"families named in Korean: {named} of {families}")
    print("not known of the species:")
    for field, (missing, total) in count_gaps(found.entries).items():
        print(f"  {field:<14}{missing:>5} of {total}")


if __name__ == "__main__":
    sys.exit(main())
