"""Uploaded pictures: what is refused before it is decoded, and how the rest becomes pixels.

The header tells the format and the size, so a decompression bomb is refused before a pixel is
unpacked. Pixels are then read as ``fishdet.Detector`` reads them, EXIF orientation included.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image

from fishdet.errors import FishdetError
from fishdet.inference.heif import has_heif
from fishdet.inference.inputs import read_image

from .errors import ServiceError

FORMATS = ("JPEG", "PNG", "WEBP")
DAMAGE = (OSError, SyntaxError, ValueError, EOFError, KeyError, TypeError, IndexError, MemoryError)


@dataclass(frozen=True)
class Upload:
    """A picture that may be decoded: its bytes, format and size in pixels as stored."""

    content: bytes
    format: str
    pixels: int


def known_formats() -> tuple[str, ...]:
    """Return the formats that are taken, as Pillow calls them."""
    return (*FORMATS, "HEIF") if has_heif() else FORMATS


def inspect(content: bytes, max_pixels: int, name: str) -> Upload:
    """Check a picture by its header.

    Args:
        content: the file's bytes.
        max_pixels: width × height that is refused above.
        name: what to call it in messages.

    Raises:
        ServiceError: 400 empty, 415 not an image of a known format, 413 too many pixels.
    """
    if not content:
        raise ServiceError(400, "empty", f"{name} has 0 bytes")
    width, height, form = _header(content, name, max_pixels)
    if width * height > max_pixels:
        raise _too_large(name, max_pixels, f"{width} × {height}")
    return Upload(content, form, width * height)


def decode(upload: Upload, name: str) -> np.ndarray:
    """Return the pixels: uint8 BGR (H, W, 3), upright; of an animation the first picture.

    Raises:
        ServiceError: 400, damaged or cut short.
    """
    try:
        if upload.format in ("JPEG", "HEIF"):
            return read_image(upload.content, name)
        with Image.open(io.BytesIO(upload.content), formats=known_formats()) as picture:
            picture.load()  # Pillow refuses a file that is cut short, OpenCV does not
        return read_image(upload.content, name)
    except (FishdetError, *DAMAGE) as error:
        message = f"{name} is damaged or cut short; save it again and retry"
        raise ServiceError(400, "damaged", message) from error


def _header(content: bytes, name: str, max_pixels: int) -> tuple[int, int, str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=known_formats()) as picture:
                return *picture.size, _form(picture.format)
    except Image.DecompressionBombError as error:
        raise _too_large(name, max_pixels, "far more") from error
    except DAMAGE as error:
        kinds = ", ".join(known_formats())
        message = f"{name} is no picture that can be read here; send one of {kinds}"
        raise ServiceError(415, "not_an_image", message) from error


def _form(name: str | None) -> str:
    return "JPEG" if name == "MPO" else str(name)


def _too_large(name: str, limit: int, size: str) -> ServiceError:
    message = f"{name} has too many pixels ({size}); at most {limit} in all: make it smaller"
    return ServiceError(413, "too_many_pixels", message)
