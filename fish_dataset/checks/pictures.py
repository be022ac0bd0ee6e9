"""What one picture file tells: whether it decodes to its end, its size and turn, its prints.

OpenCV, with which training reads pictures, turns them by their Exif tag
(its manual as quoted in https://github.com/go-opencv/go-opencv/issues/132, read 2026-11-25; formats
differ, https://github.com/opencv/opencv-python/issues/662, so it is asked). It also gives a picture
that was cut short back with a grey rest and without an error; Pillow raises, and for what Pillow
lets pass in a JPEG the end marker is looked for.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
import warnings
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from fish_dataset.quiet import quiet_decoders

HASH_WORDS = 2
"""uint64 words of a perceptual hash: 64 bits of the rows' gradients, 64 of the columns'."""

_BLANK_SPREAD = 3.0  # grey levels from the 1st to the 99th percentile; sensor noise alone has more
_ORIENTATION = 0x0112  # Exif
_SIDE = 9  # pixels of the little grey picture, one more than gradients in a row
_CHUNK = 64
# What decoders raise on damaged files, by what they stumble over.
_FAULTS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


@dataclass(frozen=True)
class PictureFacts:
    """N picture files as columns.

    Attributes:
        faults: Why a file cannot be used, by its row; the other columns are 0 there.
        widths: (N,) int32, pixels as they are stored.
        heights: (N,) int32, the same.
        orientations: (N,) uint8, Exif orientation 1 … 8; 1 where the file has none.
        digests: (N, 32) uint8, SHA-256 of the file.
        hashes: (N, 2) uint64, row and column difference hash of the picture as stored.
        blank: (N,) bool, pictures of a single shade, whose hash says nothing.
    """

    faults: dict[int, str]
    widths: np.ndarray
    heights: np.ndarray
    orientations: np.ndarray
    digests: np.ndarray
    hashes: np.ndarray
    blank: np.ndarray

    @property
    def readable(self) -> np.ndarray:
        """(N,) bool."""
        return self.widths > 0

    def turned_sizes(self) -> tuple[np.ndarray, np.ndarray]:
        """(N,) widths and heights as training sees them, turned by the Exif tag."""
        quarter = self.orientations >= 5
        return (
            np.where(quarter, self.heights, self.widths),
            np.where(quarter, self.widths, self.heights),
        )

    def spread(self, rows: np.ndarray, count: int) -> PictureFacts:
        """The facts as those of ``count`` pictures, of which these are at ``rows`` (N,)."""
        wider = _blank_facts(count)
        for name in ("widths", "heights", "orientations", "digests", "hashes", "blank"):
            getattr(wider, name)[rows] = getattr(self, name)
        wider.faults.update({int(rows[row]): reason for row, reason in self.faults.items()})
        return wider


def _blank_facts(count: int) -> PictureFacts:
    return PictureFacts(
        {},
        np.zeros(count, np.int32),
        np.zeros(count, np.int32),
        np.ones(count, np.uint8),
        np.zeros((count, 32), np.uint8),
        np.zeros((count, HASH_WORDS), np.uint64),
        np.zeros(count, bool),
    )


def look_at(
    paths: Sequence[str | os.PathLike],
    workers: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> PictureFacts:
    """Read and decode every picture once, in as many threads as the machine has cores.

    Threads, not processes: reading, hashing and decoding leave Python's lock, and a process would
    import the whole package first. At most a few pictures are in memory at a time.

    Args:
        paths: N files.
        workers: Threads; None takes one for each core.
        progress: Called with the number of pictures just done.
    """
    count = len(paths)
    facts = _blank_facts(count)
    threads = workers or os.cpu_count() or 1
    with quiet_decoders(), warnings.catch_warnings(), ThreadPoolExecutor(threads) as pool:
        warnings.simplefilter("ignore")  # Pillow's, which name no file; what matters is in faults
        rows = iter(range(count))
        while chunk := list(islice(rows, _CHUNK * threads)):
            for row, seen in zip(chunk, pool.map(look, (paths[r] for r in chunk)), strict=True):
                _note(facts, row, seen)
            progress(len(chunk))
    return facts


@dataclass(frozen=True)
class Look:
    """One picture; see ``PictureFacts`` for the fields."""

    fault: str = ""
    width: int = 0
    height: int = 0
    orientation: int = 1
    digest: bytes = bytes(32)
    words: tuple[int, int] = (0, 0)
    blank: bool = False


def look(path: str | os.PathLike) -> Look:
    """Read, digest and decode one file. No exception leaves it: a fault is a field."""
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return Look(fault=f"cannot be read: {reason or error}")
    digest = hashlib.sha256(data).digest()
    if not data:
        return Look(fault="the file is empty", digest=digest)
    if lacks_end(data):
        return Look(fault="the JPEG is cut short: it has no end marker", digest=digest)
    try:
        width, height, orientation, grey = _decode(data)
    except UnidentifiedImageError:  # its text holds an address of memory
        return Look(fault="no picture of a known format", digest=digest)
    except _FAULTS as error:
        return Look(fault=f"cannot be decoded: {error or type(error).__name__}", digest=digest)
    low, high = np.percentile(grey, (1, 99))
    blank = bool(high - low < _BLANK_SPREAD)
    return Look("", width, height, orientation, digest, difference_hash(grey), blank)


def _note(facts: PictureFacts, row: int, seen: Look) -> None:
    if seen.fault:
        facts.faults[row] = seen.fault
    facts.widths[row], facts.heights[row] = seen.width, seen.height
    facts.orientations[row] = seen.orientation
    facts.digests[row] = np.frombuffer(seen.digest, np.uint8)
    facts.hashes[row] = seen.words
    facts.blank[row] = seen.blank


def _decode(data: bytes) -> tuple[int, int, int, np.ndarray]:
    """Stored width and height, orientation, and a small grey picture.

    A JPEG is decoded at the lowest scale that leaves 64 pixels: all of its data are read, but the
    transforms that cost most are spared.
    """
    if ImageFile.LOAD_TRUNCATED_IMAGES:  # some libraries set it, and cut files would pass
        raise OSError("Pillow is set to accept cut files (ImageFile.LOAD_TRUNCATED_IMAGES)")
    with Image.open(io.BytesIO(data)) as image:
        kind, (width, height) = image.format, image.size
        orientation = _orientation(image)
        image.draft("L", (64, 64))
        grey = _grey(image)
    if orientation == 1 and kind in ("JPEG", "PNG"):
        return width, height, 1, grey
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise OSError(f"OpenCV, with which training reads pictures, cannot decode this {kind}")
    ignored = orientation >= 5 and width != height and pixels.shape[:2] == (height, width)
    return width, height, 1 if ignored else orientation, grey  # some formats are not turned


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except _FAULTS:  # a damaged Exif block turns nothing
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _grey(image: Image.Image) -> np.ndarray:
    """(H, W) uint8; Pillow would cut the values of 16-bit pictures at 255."""
    if image.mode[0] not in "IF":
        return np.asarray(image.convert("L"))
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    return (values * (255 / max(float(values.max()), 255.0))).astype(np.uint8)


def difference_hash(grey: np.ndarray) -> tuple[int, int]:
    """Row and column difference hash (dHash) of 64 bits each.

    Bit (y, x) of the row hash says whether pixel (y, x + 1) of the picture at 9 × 9 is brighter
    than (y, x); the column hash, (y + 1, x). The method is Krawetz's (by
    https://dhashpy.readthedocs.io/en/latest/), both ways together are the dhash package's (by
    https://dev.mo4tech.com/dhash-calculation-source-code-analysis.html; both read 2026-11-25).

    Args:
        grey: (H, W) uint8.
    """
    small = cv2.resize(grey.astype(np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    rows = small[:-1, 1:] > small[:-1, :-1]
    columns = small[1:, :-1] > small[:-1, :-1]
    words = np.packbits(np.stack([rows, columns]).reshape(2, 64), axis=1)
    return int.from_bytes(words[0].tobytes(), "big"), int.from_bytes(words[1].tobytes(), "big")


def lacks_end(data: bytes) -> bool:
    """Whether ``data`` begins as a JPEG whose picture data never end.

    Segments are walked to the start of the scan, past thumbnails that have an end of their own;
    inside a scan 0xFF is followed by 0x00 or a restart marker, so an end marker found there is one.
    """
    if data[:3] != b"\xff\xd8\xff":
        return False
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # padding
            place += 1
        elif marker == 0xDA:
            return data.find(b"\xff\xd9", place) < 0
        else:
            place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return place + 4 > len(data)
