"""Unpack zip and tar archives that strangers made: inside the folder, within limits, or not at all.

Refused are names that lead out of the folder, links and devices, members that would fall on one
another, encrypted members, and archives that blow up: more bytes in all, or more for each byte of
the archive, than ``Limits`` allows. These are the faults that Python's documentation warns of
(https://docs.python.org/3/library/tarfile.html#tarfile-extraction-filter and
https://docs.python.org/3/library/zipfile.html#decompression-pitfalls).
"""

from __future__ import annotations

from fish_dataset.sources.archives.kinds import archive_kind
from fish_dataset.sources.archives.unpacking import Limits, Unpacked, unpack

__all__ = ["Limits", "Unpacked", "archive_kind", "unpack"]
