"""Annotations → YOLO: ``data.yaml``, ``images/<split>/`` and ``labels/<split>/``.

Fractions have eight decimals: in a picture of 30,000 pixels that is 0.0003 of one.
The format: https://docs.ultralytics.com/datasets/detect/ (2026-11-25).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from fish_dataset.folder import Part
from fish_dataset.formats.out_images import OutImage, images_of, write_text
from fish_dataset.progress import track


def write_yolo(work: Path, parts: Mapping[str, Part]) -> None:
    """Writes label files and the configuration below ``work``.

    A picture without boxes gets an empty file. Crowd and ignored boxes, which would count as fish,
    are left out, and so are pictures that hold nothing else (``only_marked``): an empty label file
    would say that no fish is in them.

    Raises:
        OSError: what writing raises.
    """
    classes = next(iter(parts.values())).annotations.classes
    number = {name: label for label, name in enumerate(classes)}
    for split, part in parts.items():
        for image in track(images_of(part), part.annotations.num_images, f"{split} labels"):
            if only_marked(image):
                continue
            lines = [
                f"{number[name]} {_yolo_box(box, image.width, image.height)}\n"
                for *box, name, crowd, ignore in image.boxes
                if not crowd and not ignore
            ]
            target = (work / "labels" / split / image.name).with_suffix(".txt")
            write_text(target, "".join(lines))
    config: dict[str, Any] = {split: f"images/{split}" for split in parts}
    config |= {"nc": len(classes), "names": list(classes)}
    write_text(work / "data.yaml", yaml.safe_dump(config, allow_unicode=True, sort_keys=False))


def only_marked(image: OutImage) -> bool:
    """Whether all boxes of a picture are crowd or ignored ones, and there are any."""
    return bool(image.boxes) and all(crowd or ignore for *_, crowd, ignore in image.boxes)


def _yolo_box(box: list[float], width: int, height: int) -> str:
    x, y, w, h = box
    values = ((x + w / 2) / width, (y + h / 2) / height, w / width, h / height)
    return " ".join(f"{value:.8f}" for value in values)
