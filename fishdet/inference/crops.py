"""Each fish as a picture of its own, and contact sheets of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import supervision as sv

from fish_dataset.browsing.tile import captioned

from .draw import write_picture

FOLDER, MARGIN = "crops", 0.1
SIDE, COLUMNS, ROWS = 160, 8, 6


def crop(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return the part of a BGR image (H, W, 3) around a box x1, y1, x2, y2 in pixels.

    A tenth of the box's size is added on each side, as far as the picture goes; at least one
    pixel is returned.
    """
    x1, y1, x2, y2 = (float(value) for value in box)
    dx, dy = MARGIN * (x2 - x1), MARGIN * (y2 - y1)
    left = min(max(int(x1 - dx), 0), image.shape[1] - 1)
    top = min(max(int(y1 - dy), 0), image.shape[0] - 1)
    right, bottom = max(int(np.ceil(x2 + dx)), left + 1), max(int(np.ceil(y2 + dy)), top + 1)
    return image[top:bottom, left:right]


def write_crops(out: Path, name: str, image: np.ndarray, found: sv.Detections) -> None:
    """Write ``crops/<species>/<picture>_<n>.jpg`` for each detection of a picture.

    Args:
        out: the folder of results.
        name: of the picture; ``/`` in it becomes ``_``.

    Raises:
        FishdetError: a file cannot be written.
    """
    stem = name.replace("/", "_")
    for number, (box, species) in enumerate(
        zip(found.xyxy, found.data["class_name"], strict=True), start=1
    ):
        path = out / FOLDER / folder_name(str(species)) / f"{stem}_{number:03d}.jpg"
        write_picture(path, crop(image, box))


def folder_name(name: str) -> str:
    """Return a class name as the name of a folder."""
    return re.sub(r'[\\/:*?"<>|\s]+', "_", name).strip("._") or "_"


def write_sheets(out: Path) -> list[Path]:
    """Write ``contact_sheet_001.jpg`` … of the crops below ``out``, 48 a sheet, by species.

    Raises:
        FishdetError: a sheet cannot be written.
    """
    files = sorted((out / FOLDER).rglob("*.jpg"))
    sheets = []
    for number, start in enumerate(range(0, len(files), COLUMNS * ROWS), start=1):
        path = out / f"contact_sheet_{number:03d}.jpg"
        write_picture(path, _sheet(files[start : start + COLUMNS * ROWS]))
        sheets.append(path)
    return sheets


def _sheet(files: Sequence[Path]) -> np.ndarray:
    cell = (SIDE + 20, SIDE + 8)
    tiles = [captioned(_fitted(path), path.parent.name, cell) for path in files]
    columns = min(COLUMNS, len(tiles))
    tiles += [np.full((*cell, 3), 255, np.uint8)] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    return np.vstack(rows)


def _fitted(path: Path) -> np.ndarray:
    image = cv2.imread(str(path))
    if image is None:
        return np.full((SIDE, SIDE, 3), 128, np.uint8)
    scale = SIDE / max(image.shape[:2])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
