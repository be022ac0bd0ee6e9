"""The picture of docs/transforms.md: drawn scenes before and after each transform.

Run ``python -m fish_dataset.transforms.gallery docs/images/transforms.jpg``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from fish_dataset.synthesis import draw_scene
from fish_dataset.synthesis.scene import Scene

from .copy_paste import CopyPasteFish
from .jerlov import JERLOV
from .particles import cast_caustics, scatter_snow
from .water_column import add_water, visible_range

SIDE = 320
COLUMNS = 4
_WHITE = (255, 255, 255)


def _scene(seed: int) -> Scene:
    return draw_scene(np.random.SeedSequence([seed, 5]), SIDE)


def _water(name: str) -> Callable[[np.ndarray], np.ndarray]:
    water = JERLOV[name]
    return lambda image: add_water(image, water, min(2.5, visible_range(water, 0.4)), 2.0)


def _results(scene: Scene) -> dict:
    boxes = scene.bboxes.copy()
    boxes[:, 2:] += boxes[:, :2]
    flags = np.zeros(len(boxes), bool)
    return {
        "img": scene.image,
        "gt_bboxes": boxes,
        "gt_bboxes_labels": scene.labels,
        "gt_ignore_flags": flags,
    }


def _pasted(scene: Scene, other: Scene) -> np.ndarray:
    np.random.seed(3)
    transform = CopyPasteFish(max_pasted=3, scale=(0.8, 1.3))
    results = transform.transform({**_results(scene), "mix_results": [_results(other)]})
    return _boxed(results["img"], results["gt_bboxes"])


def _boxed(image: np.ndarray, corners: np.ndarray) -> np.ndarray:
    drawn = image.copy()
    for x1, y1, x2, y2 in np.round(corners).astype(int).tolist():
        cv2.rectangle(drawn, (x1, y1), (x2 - 1, y2 - 1), _WHITE, 1, cv2.LINE_AA)
    return drawn


def _titled(image: np.ndarray, title: str) -> np.ndarray:
    strip = np.full((26, image.shape[1], 3), 32, np.uint8)
    cv2.putText(strip, title, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.48, _WHITE, 1, cv2.LINE_AA)
    return np.concatenate([strip, image])


def _tiles() -> list[np.ndarray]:
    scene, other = _scene(3), _scene(37)
    rng = np.random.default_rng(2)
    image = scene.image
    boxes = _results(scene)["gt_bboxes"]
    tiles = [_titled(_boxed(image, boxes), "before, with boxes")]
    for name in ("I", "II", "III", "1C", "7C", "9C"):
        tiles.append(_titled(_water(name)(image), f"WaterColumn, Jerlov {name}"))
    tiles.append(_titled(cast_caustics(image, 0.35, rng), "Caustics, strength 0.35"))
    tiles.append(_titled(scatter_snow(image, 5, rng), "MarineSnow, amount 5"))
    both = scatter_snow(_water("1C")(image), 4, rng)
    tiles.append(_titled(both, "WaterColumn 1C + MarineSnow"))
    tiles.append(_titled(_boxed(other.image, _results(other)["gt_bboxes"]), "another picture"))
    tiles.append(_titled(_pasted(scene, other), "CopyPasteFish from it"))
    return tiles


def draw_gallery(path: Path) -> None:
    """Write the sheet of all transforms on drawn scenes to ``path``, a JPEG."""
    tiles = _tiles()
    rows = [np.hstack(tiles[i : i + COLUMNS]) for i in range(0, len(tiles), COLUMNS)]
    path.parent.mkdir(parents=True, exist_ok=True)
    _, data = cv2.imencode(".jpg", np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 88])
    path.write_bytes(data.tobytes())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="JPEG file to write")
    draw_gallery(parser.parse_args().path)
