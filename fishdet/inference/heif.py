"""HEIC photos, as many phones take them, where the package ``pillow-heif`` is installed.

It is in none of the extras: what it is built on (x265) puts its wheels under the GPL.
"""

from __future__ import annotations

import io
from importlib.util import find_spec

from PIL import Image

from fishdet.errors import FishdetError

SUFFIXES = frozenset((".heic", ".heif"))
BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))


def has_heif() -> bool:
    """Whether HEIC can be read here."""
    return find_spec("pillow_heif") is not None


def allow_heif() -> None:
    """Let Pillow open HEIC, where the package is installed."""
    if has_heif():
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False)


def is_heif(content: bytes) -> bool:
    """Whether a file's bytes begin as HEIC does (ISO/IEC 23008-12: its 'ftyp' box)."""
    return content[4:8] == b"ftyp" and content[8:12] in BRANDS


def open_heif(content: bytes, name: str) -> Image.Image:
    """Return the loaded photo.

    Raises:
        FishdetError: the package is not there, or the file is damaged.
    """
    if not has_heif():
        raise FishdetError(
            f"{name}: reading HEIC needs pip install pillow-heif; or save the photo as JPEG"
        )
    allow_heif()
    try:
        picture = Image.open(io.BytesIO(content), formats=("HEIF",))
        picture.load()
    except (OSError, SyntaxError, ValueError, EOFError, RuntimeError,
            Image.DecompressionBombError) as error:  # fmt: skip
        raise FishdetError(f"{name}: the HEIC is cut short or damaged: {error}") from error
    return picture
