"""What is written of the detections of pictures, by the name of the format."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .coco import coco_dict, write_coco
from .darwin_core import write_darwin_core
from .result import ImageResult
from .table import write_csv
from .yolo import write_yolo

FORMATS = {
    "coco": "predictions.json",
    "csv": "detections.csv",
    "yolo": "yolo",
    "dwc": "occurrences.csv",
}
"""Each format and the file or folder that it is written to."""


def parse_formats(text: str) -> list[str]:
    """Return the formats of ``coco,csv``.

    Raises:
        argparse.ArgumentTypeError: one of them is none.
    """
    kinds = list(dict.fromkeys(text.split(",")))
    for kind in kinds:
        if kind not in FORMATS:
            known = ", ".join(FORMATS)
            raise ArgumentTypeError(f"{kind!r} is no format; give {known}, with commas between")
    return kinds


def write_format(
    kind: str, out: Path, results: Iterable[ImageResult], info: dict[str, Any]
) -> Path:
    """Write results in one of ``FORMATS`` below ``out`` and return where.

    Args:
        kind: the format.
        out: the folder.
        results: read once, in order.
        info: 'classes' (names as trained), 'model' and 'description', the settings in words;
            'gallery' where fish were identified.

    Raises:
        FishdetError: it cannot be written.
    """
    target = out / FORMATS[kind]
    if kind == "csv":
        write_csv(target, results, bool(info.get("gallery")))
    elif kind == "yolo":
        write_yolo(target, results, info["classes"])
    elif kind == "dwc":
        write_darwin_core(target, results, info["model"])
    else:
        told = {key: value for key, value in info.items() if key != "classes"}
        write_coco(target, coco_dict(results, info["classes"], told))
    return target


__all__ = ["FORMATS", "ImageResult", "coco_dict", "parse_formats", "write_coco", "write_format"]
