"""Detections as YOLO labels: one text file a picture, and ``data.yaml`` with the classes.

A line is ``class x_centre y_centre width height`` in fractions of the picture
(https://docs.ultralytics.com/datasets/detect/, 2026-11-25): without scores, as labelling tools and
trainings read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from ..files import growing
from .result import ImageResult


def write_yolo(folder: Path, results: Iterable[ImageResult], classes: Sequence[str]) -> None:
    """Write ``labels/<picture>.txt`` below ``folder``, empty where a picture has no fish.

    The suffix of the picture stays in front of ``.txt`` where two pictures differ in it alone.

    Raises:
        FishdetError: a file cannot be written.
    """
    taken: set[Path] = set()
    for result in results:
        target = (folder / "labels" / result.file_name).with_suffix(".txt")
        if target in taken:
            target = folder / "labels" / f"{result.file_name}.txt"
        taken.add(target)
        with growing(target) as file:
            file.writelines(_lines(result))
    with growing(folder / "data.yaml") as file:
        names = {"nc": len(classes), "names": list(classes)}
        yaml.safe_dump(names, file, allow_unicode=True, sort_keys=False)


def _lines(result: ImageResult) -> list[str]:
    lines = []
    rows = zip(result.detections.xyxy.tolist(), result.detections.class_id.tolist(), strict=True)
    for (x1, y1, x2, y2), label in rows:
        centre = ((x1 + x2) / 2 / result.width, (y1 + y2) / 2 / result.height)
        size = ((x2 - x1) / result.width, (y2 - y1) / result.height)
        lines.append(" ".join([str(label), *(f"{value:.8f}" for value in centre + size)]) + "\n")
    return lines
