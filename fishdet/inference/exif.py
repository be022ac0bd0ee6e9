"""When and where a photo was taken, from its EXIF.

Tags: Exif 2.32, DateTimeOriginal, OffsetTimeOriginal and the GPS IFD, by the names that Pillow
gives them (https://pillow.readthedocs.io/en/stable/reference/ExifTags.html, 2026-11-25).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image


@dataclass(frozen=True)
class Taken:
    """Time and place of a photo.

    Attributes:
        date: ISO 8601, with the offset from UTC where the camera wrote it; empty: unknown.
        latitude: decimal degrees, south negative; None: unknown or withheld.
        longitude: decimal degrees, west negative.
        datum: as the camera wrote it, such as 'WGS-84'; empty: it wrote none.
        withheld: whether a place was there and was left out on request.
    """

    date: str = ""
    latitude: float | None = None
    longitude: float | None = None
    datum: str = ""
    withheld: bool = False


def read_taken(path: Path, places: bool = True) -> Taken:
    """Return when and where a photo was taken; what is missing or makes no sense stays unknown.

    Args:
        path: an image file.
        places: False leaves the place out.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                exif = picture.getexif()
                details, gps = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
    except (OSError, SyntaxError, ValueError, KeyError, TypeError, Image.DecompressionBombError):
        return Taken()  # Pillow opens no picture of more than 179 megapixels, not even its header
    date = _date(details)
    latitude = _degrees(gps, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "S", 90)
    longitude = _degrees(gps, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "W", 180)
    if latitude is None or longitude is None:
        return Taken(date)
    if not places:
        return Taken(date, withheld=True)
    datum = str(gps.get(ExifTags.GPS.GPSMapDatum) or "").strip("\0 ")
    return Taken(date, latitude, longitude, datum)


def _date(details: Mapping[int, Any]) -> str:
    text = str(details.get(ExifTags.Base.DateTimeOriginal) or "").strip("\0 ")
    offset = str(details.get(ExifTags.Base.OffsetTimeOriginal) or "").strip("\0 ")
    try:
        moment = datetime.strptime(text, "%Y:%m:%d %H:%M:%S").isoformat()
        return datetime.fromisoformat(moment + offset).isoformat()
    except ValueError:
        return ""


def _degrees(
    gps: Mapping[int, Any], tag: int, ref: int, negative: str, limit: float
) -> float | None:
    try:
        parts = [float(part) for part in gps[tag]]
        degrees = sum(part / 60**power for power, part in enumerate(parts))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    if not parts or not math.isfinite(degrees) or not 0 <= degrees <= limit:
        return None
    sign = -1 if str(gps.get(ref, "")).strip("\0 ").upper() == negative else 1
    return round(sign * degrees, 7)
