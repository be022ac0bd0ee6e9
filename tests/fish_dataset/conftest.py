"""Small COCO documents that the tests break in one place at a time."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest


def _box(number: int, **fields) -> dict:
    area = fields["bbox"][2] * fields["bbox"][3]
    return {"id": number, **fields, "area": area, "iscrowd": 0}


_DOCUMENT = {
    "images": [
        {"id": 1, "file_name": "a.png", "width": 64, "height": 48},
        {"id": 2, "file_name": "b.png", "width": 64, "height": 48},
        {"id": 3, "file_name": "c.png", "width": 64, "height": 48},
    ],
    "annotations": [
        _box(1, image_id=1, category_id=1, bbox=[4, 5, 20, 10]),
        _box(2, image_id=2, category_id=2, bbox=[30, 8, 12, 30]),
        _box(3, image_id=1, category_id=2, bbox=[40, 20, 20, 20]),
    ],
    "categories": [{"id": 1, "name": "eel"}, {"id": 2, "name": "salmon"}],
}


@pytest.fixture
def document() -> dict:
    """A sound file: three pictures of 64 × 48 (the third without fish), three boxes."""
    return copy.deepcopy(_DOCUMENT)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """``write(document, name='train.json')`` puts JSON under tmp_path and returns its path."""

    def _write(document: object, name: str = "train.json") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    return _write


@pytest.fixture
def draw() -> Callable[..., Path]:
    """``draw(folder, names, size=(64, 48))`` writes pictures with noise and returns the folder."""

    def _draw(folder: Path, names: list[str], size: tuple[int, int] = (64, 48)) -> Path:
        random = np.random.default_rng(0)
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = random.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
            assert cv2.imwrite(str(path), pixels)
        return folder

    return _draw
