"""Comparison of class lists, which must name the same set everywhere."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Sequence

from fish_dataset.errors import FishDataError


def folded(name: str) -> str:
    """``name`` without what people mistype: Unicode form, case, spaces, underscores, hyphens."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(char for char in plain if not char.isspace() and char not in "_-")


def as_classes(classes: Sequence[str]) -> tuple[str, ...]:
    """``classes`` as a tuple of unique, non-empty names.

    Raises:
        FishDataError: a bare string (``('fish')`` for ``('fish',)``), a value that is no text, an
            empty list, or a name given twice.
    """
    if isinstance(classes, str):
        raise FishDataError(
            f"classes is the text {classes!r}, not a list: write classes=({classes!r},)"
        )
    names = tuple(classes)
    wrong = [name for name in names if not isinstance(name, str) or not name]
    twice = sorted({name for name in names if names.count(name) > 1} - set(wrong), key=str)
    if not names or wrong or twice:
        reason = f"no text: {wrong}" if wrong else f"named twice: {twice}" if twice else "no name"
        raise FishDataError(f"classes {list(names)!r} cannot be used ({reason})")
    return names


def lookalike(name: str, candidates: Sequence[str]) -> str | None:
    """The candidate that ``name`` is probably a misspelling of, or None."""
    for candidate in candidates:
        if folded(candidate) == folded(name):
            return candidate
    by_fold = {folded(candidate): candidate for candidate in candidates}
    close = difflib.get_close_matches(folded(name), list(by_fold), n=1, cutoff=0.75)
    return by_fold[close[0]] if close else None


def class_difference(expected: Sequence[str], found: Sequence[str]) -> str | None:
    """How two class lists differ as sets, in lines for the user; None where they are equal.

    Args:
        expected: Names of the config, or of the training file.
        found: Names of the file at hand.
    """
    missing = [name for name in expected if name not in set(found)]
    unknown = [name for name in found if name not in set(expected)]
    if not missing and not unknown:
        return None
    lines = [
        f"expected ({len(expected)}): {_listed(expected)}",
        f"found    ({len(found)}): {_listed(found)}",
    ]
    if missing:
        lines.append(f"missing in the file: {_listed(missing)}")
    if unknown:
        lines.append(f"unknown in the file: {_listed(unknown)}")
    for name in unknown:
        twin = lookalike(name, missing)
        if twin is not None:
            lines.append(f"{name!r} looks like {twin!r}{_how(name, twin)}")
    return "\n".join(lines)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names) or "none"


def _how(name: str, twin: str) -> str:
    if unicodedata.normalize("NFC", name) == unicodedata.normalize("NFC", twin):
        return " (same letters in another Unicode form: NFC, NFD)"
    if name.casefold() == twin.casefold():
        return " (upper and lower case)"
    if folded(name) == folded(twin):
        return " (spaces, hyphens or case)"
    return ""
