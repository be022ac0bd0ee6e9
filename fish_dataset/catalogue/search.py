"""Look-up that forgives small typos, and proposes where it is not sure.

Names are compared letter by letter after ``fold``, Hangul by its jamo (``고둥어`` is one letter
from ``고등어``). A name matches within a number of edits that grows with the length of what was
typed: an edit is a letter too many, missing, another, or two neighbours swapped (optimal string
alignment distance). Names of two syllables must be exact: 연어, 은어 and 전어 are three fishes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from .index import Catalogue, catalogue
from .species import Species, fold

LATIN = ((5, 0), (9, 1), (16, 2))  # up to 4 letters no edit, up to 8 one, up to 15 two
HANGUL = ((3, 0), (4, 1), (8, 2))  # up to 2 syllables no edit, 3 syllables one, up to 7 two
MOST = 3
PART = 3  # letters that a part of a name must have to be looked for


@dataclass(frozen=True)
class Match:
    """A proposal: the entry, the name that matched, how, and by how many edits.

    ``kind`` is 'exact', 'typo', or 'part' where ``name`` contains what was asked for.
    """

    species: Species
    name: str
    kind: str
    edits: int


def search(name: str, within: Catalogue | None = None, at_most: int = 10) -> list[Match]:
    """Return the entries that ``name`` may mean, the likeliest first, each once.

    Exact matches come first, then typos by their number of edits, then names that contain it.
    Several entries at one distance are all returned: the caller decides, or asks.
    """
    found = within or catalogue()
    typed, limit = _letters(name), allowed_edits(name)
    best: dict[str, Match] = {}
    for species, known, letters in _names(found):
        match = _match(species, known, typed, letters, limit)
        if match and (match.species.id not in best or _rank(match) < _rank(best[species.id])):
            best[species.id] = match
    return sorted(best.values(), key=_rank)[:at_most]


def allowed_edits(name: str) -> int:
    """Return how many edits a name may be away from ``name``: by letters, Hangul by syllables."""
    folded = fold(name)
    limits = HANGUL if any("가" <= letter <= "힣" for letter in folded) else LATIN
    return next((edits for below, edits in limits if len(folded) < below), MOST)


def edits(first: str, second: str, limit: int) -> int | None:
    """Return the optimal string alignment distance of two texts, or None above ``limit``."""
    if abs(len(first) - len(second)) > limit:
        return None
    above: list[int] = []
    row = list(range(len(second) + 1))
    for i, letter in enumerate(first, 1):
        before, above, row = above, row, [i]
        for j, other in enumerate(second, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == second[j - 2] and first[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return None
    return row[-1] if row[-1] <= limit else None


def _match(species: Species, known: str, typed: str, letters: str, limit: int) -> Match | None:
    if not typed:
        return None
    if typed == letters:
        return Match(species, known, "exact", 0)
    away = edits(typed, letters, limit)
    if away is not None:
        return Match(species, known, "typo", away)
    if len(typed) >= PART and typed in letters:
        return Match(species, known, "part", len(letters) - len(typed))
    return None


def _rank(match: Match) -> tuple[int, int, str]:
    return ("exact", "typo", "part").index(match.kind), match.edits, match.species.id


def _letters(name: str) -> str:
    return unicodedata.normalize("NFD", fold(name))


def _names(found: Catalogue) -> Iterator[tuple[Species, str, str]]:
    for species in found.entries:
        for name, letters in _spellings(species.all_names()):
            yield species, name, letters


@lru_cache(maxsize=4096)
def _spellings(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name, _letters(name)) for name in names)
