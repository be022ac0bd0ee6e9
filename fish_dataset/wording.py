"""Numbers and nouns in messages."""

from __future__ import annotations


def number_of(count: int, noun: str, plural: str = "") -> str:
    """Return "1 picture", "2 pictures"; ``plural`` where an s does not make it."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"
