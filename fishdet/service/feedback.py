"""Corrections of users, in one SQLite file (WAL), each with its picture; deletable for good.

A picture is stored anew from its pixels, so no EXIF, place or name of a file comes along. Only the
digest of the token that deletes an entry is kept.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fishdet.errors import FishdetError

from .digests import digest, same

SCHEMA = """
CREATE TABLE IF NOT EXISTS corrections (
  id TEXT PRIMARY KEY, token TEXT NOT NULL, created TEXT NOT NULL, model TEXT NOT NULL,
  consent TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
  least_chance REAL NOT NULL, boxes TEXT NOT NULL, picture BLOB NOT NULL
)"""
JPEG_QUALITY = 95


@dataclass(frozen=True)
class Entry:
    """A stored correction.

    Attributes:
        id: random, tells nothing of who sent it.
        created: day and time, UTC.
        model: SHA-256 of the model whose boxes were corrected.
        consent: the text that was agreed to.
        width, height: pixels.
        least_chance: of the fish that the model was least sure of, 1 where it found none.
        boxes: dicts of bbox (x, y, width, height), species, origin.
        picture: JPEG; empty where only the papers were asked for.
    """

    id: str
    created: str
    model: str
    consent: str
    width: int
    height: int
    least_chance: float
    boxes: list[dict[str, Any]]
    picture: bytes


class FeedbackStore:
    """The file of corrections.

    Raises:
        FishdetError: it cannot be opened, or is no such file.
    """

    def __init__(self, path: Path, create: bool = True) -> None:
        if not create and not path.is_file():
            raise FishdetError(f"{path}: no file of corrections; name the --feedback of serve.py")
        self._lock = threading.Lock()
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, timeout=10)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten
            self._db.execute(SCHEMA)
            self._db.commit()
            self._db.execute("SELECT picture, least_chance FROM corrections LIMIT 1").fetchall()
        except sqlite3.Error as error:
            raise FishdetError(f"{path}: not usable as a file of corrections: {error}") from error

    def add(
        self, pixels: np.ndarray, boxes: list[dict[str, Any]], **papers: Any
    ) -> tuple[str, str]:
        """Store a correction.

        Args:
            pixels: uint8 BGR (H, W, 3).
            boxes: see ``Entry``.
            papers: ``model``, ``consent`` and ``least_chance``; see ``Entry``.

        Returns:
            its id, and the token that deletes it.
        """
        id_, token = secrets.token_hex(16), secrets.token_urlsafe(32)
        _, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        created = datetime.now(timezone.utc).isoformat(timespec="seconds")
        row = (id_, digest(token), created, papers["model"], papers["consent"])
        size = (pixels.shape[1], pixels.shape[0])
        told = (papers["least_chance"], json.dumps(boxes, ensure_ascii=False), jpeg.tobytes())
        with self._lock, self._db:
            self._db.execute(
                "INSERT INTO corrections VALUES (?,?,?,?,?,?,?,?,?,?)", (*row, *size, *told)
            )
        return id_, token

    def delete(self, id_: str, token: str) -> bool:
        """Remove an entry and its picture; whether there was one that this token deletes."""
        with self._lock:
            found = self._db.execute("SELECT token FROM corrections WHERE id=?", (id_,)).fetchone()
            if found is None or not same(token, found[0]):
                return False
            with self._db:
                self._db.execute("DELETE FROM corrections WHERE id=?", (id_,))
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the log holds a copy
        return True

    def entries(self) -> Iterator[Entry]:
        """Yield all entries, the least certain first, one picture in memory at a time."""
        order = "SELECT id FROM corrections ORDER BY least_chance, created, id"
        for (id_,) in self._db.execute(order).fetchall():
            row = self._db.execute("SELECT * FROM corrections WHERE id=?", (id_,)).fetchone()
            if row is not None:
                yield _entry(row)

    def __len__(self) -> int:
        return int(self._db.execute("SELECT COUNT(*) FROM corrections").fetchone()[0])

    def size(self) -> int:
        """Return the bytes that the entries take (pages that deletions freed do not count)."""
        page, pages, free = (
            int(self._db.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_size", "page_count", "freelist_count")
        )
        return page * (pages - free)

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _entry(row: tuple[Any, ...]) -> Entry:
    id_, _, created, model, consent, width, height, least_chance, boxes, picture = row
    return Entry(
        id_, created, model, consent, width, height, least_chance, json.loads(boxes), picture
    )
