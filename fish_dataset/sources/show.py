"""Public sets in words: a list, all that is known of one, and the notice before a download."""

from __future__ import annotations

from collections.abc import Sequence

from fish_dataset.sources.table import FACTS, NOT_STATED, Source

NOT_VERIFIED = "not verified: this project has not downloaded it, addresses are as texts have them"


def how(source: Source) -> str:
    """'download', 'by hand' or 'by concept'."""
    if source.manual:
        return "by hand"
    return "by concept" if source.query else "download"


def listing(sources: Sequence[Source]) -> str:
    """Two lines a set: name and title; counts, licence, how it is had, whether that was tried."""
    lines = []
    for source in sources:
        counts = [f"{field} {source.says(field)}" for field in ("images", "boxes", "species")]
        tried = "verified" if source.verified else "not verified"
        lines.append(f"{source.name}  {source.title}")
        lines.append("    " + " · ".join([*counts, source.says("licence"), how(source), tried]))
    return "\n".join(lines)


def describe(source: Source) -> str:
    """All that the table has on a set, each fact with the text that states it."""
    lines = [f"{source.name}  {source.title}"]
    for field in FACTS:
        fact = source.facts.get(field)
        if fact is not None:
            lines.append(f"  {field}: {source.says(field)}")
            lines.append(f"      [{fact.source}, read {fact.accessed}]")
        elif field != "query":
            lines.append(f"  {field}: {NOT_STATED}")
    for file in source.files:
        lines.append(f"  file: {file.url}")
        lines.append(f"      sha256 {file.sha256 or NOT_STATED}")
        lines.append(f"      [{file.source}, read {file.accessed}]")
    lines.append(f"  format: {source.format or 'to be recognised'}")
    lines.extend(f"  {text}" for text in (source.manual, source.notes) if text)
    if not source.verified:
        lines.append(f"  {NOT_VERIFIED}")
    return "\n".join(lines)


def notice(source: Source) -> str:
    """The licence and what it asks for, to be read before anything is fetched."""
    licence = source.says("licence")
    if licence == NOT_STATED:
        licence = "not stated in any text that was found; look at the home page before you use it"
    lines = [
        source.title,
        f"  licence: {licence}",
        f"  cite: {source.says('citation')}",
        f"  home page: {source.says('home')}",
        f"  size: {source.says('size')}",
    ]
    if not source.verified:
        lines.append(f"  {NOT_VERIFIED}")
    return "\n".join(lines)
