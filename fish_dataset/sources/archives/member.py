"""What the readers of both kinds of archive yield."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO


@dataclass(frozen=True)
class Member:
    """A file in an archive: its name as it stands there, its bytes and how to read them."""

    name: str
    size: int
    content: IO[bytes]
