"""Public sets of fish pictures by name: what they are, under which licence, and where they lie."""

from __future__ import annotations

from fish_dataset.sources.table import (
    Fact,
    RemoteFile,
    Source,
    all_sources,
    find_source,
    parse_sources,
    read_sources,
)

__all__ = [
    "Fact",
    "RemoteFile",
    "Source",
    "all_sources",
    "find_source",
    "parse_sources",
    "read_sources",
]
