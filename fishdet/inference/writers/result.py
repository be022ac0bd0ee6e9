"""What is known of one picture after detection."""

from __future__ import annotations

from dataclasses import dataclass

import supervision as sv

from ..exif import Taken


@dataclass(frozen=True)
class ImageResult:
    """The detections of one image; the size is in pixels, ``file_name`` relative to the inputs.

    ``taken`` (when and where) and ``digest`` (SHA-256 of the file) are there where a format that
    was asked for needs them.
    """

    file_name: str
    width: int
    height: int
    detections: sv.Detections
    taken: Taken | None = None
    digest: str = ""
