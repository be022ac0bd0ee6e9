"""Look a data folder over and count."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fish_dataset.catalogue import find
from fish_dataset.errors import FishDataError
from fish_dataset.progress import counted, silent
from fish_dataset.reading.folder import read_folder_anyway

from . import anchors, light
from .boxes import Boxes, pool, presence

SIDE = 16.0  # pixels: four cells of an FPN's finest level, stride 4


@dataclass(frozen=True)
class Sizes:
    """What the sizes of the boxes suggest.

    Attributes:
        scale: The longer side that the boxes ask for.
        side: The longer side that the anchors are given for.
        sizes: (n, 2) widths and heights at ``side``, of 20,000 boxes at most.
        clusters: (K, 2) anchors at ``side``, by k-means.
        cluster_fit: How they fit.
        default: mmdet's Faster R-CNN anchors.
        suggested: One scale and three ratios in their place.
    """

    scale: anchors.ImageScale
    side: int
    sizes: np.ndarray
    clusters: np.ndarray
    cluster_fit: anchors.Fit
    default: anchors.Generator
    suggested: anchors.Generator


@dataclass(frozen=True)
class Overview:
    """A data folder in numbers.

    Attributes:
        data_dir: The folder.
        boxes: Its boxes.
        light: Of its pictures; None where none was measured.
        sizes: None where there are no boxes.
        notes: In words, what of faulty files is not in the numbers; empty where all is.
    """

    data_dir: Path
    boxes: Boxes
    light: light.Light | None
    sizes: Sizes | None
    notes: tuple[str, ...] = ()


def look_over(
    data_dir: str | os.PathLike,
    *,
    pictures: int = 2000,
    anchor_count: int = 5,
    min_side: float = SIDE,
    side: int | None = None,
    progress: bool = True,
) -> Overview:
    """Read a data folder and count.

    Args:
        data_dir: A folder in one of the known layouts.
        pictures: How many pictures are opened for brightness and colour, evenly spread.
        anchor_count: Anchors that k-means makes.
        min_side: Pixels that the 10th percentile of the boxes' shorter side is to reach.
        side: The longer side in pixels that anchors are given for; None takes what
            ``min_side`` asks for.
        progress: Whether to tell on stderr how many pictures are done.

    Raises:
        FishDataError: no such folder, one of which no split can be read, or a number out of range.
    """
    limits = (("pictures", pictures, 0), ("anchor_count", anchor_count, 1),
              ("min_side", min_side, 1), ("side", 1 if side is None else side, 1))  # fmt: skip
    for name, value, low in limits:
        if value < low:
            raise FishDataError(f"{name}={value} is too small; the least is {low}")
    found = read_folder_anyway(data_dir, progress=progress)
    parts = found.parts
    boxes = pool(parts)
    folders = [part.image_dir for part in parts.values()]
    rows = light.spread_rows(len(boxes.names), pictures)
    paths = [folders[boxes.split_of_image[row]] / boxes.names[row] for row in rows]
    with counted(len(rows), "pictures") if progress and len(rows) else silent() as advance:
        measured = light.measure(paths, rows, advance) if len(rows) else None
    fitted = _sizes(boxes, anchor_count, min_side, side) if len(boxes.image) else None
    return Overview(Path(data_dir), boxes, measured, fitted, found.notes)


def _sizes(boxes: Boxes, count: int, min_side: float, side: int | None) -> Sizes:
    relative = boxes.relative_wh
    scale = anchors.suggest_scale(relative, boxes.sizes.max(1), min_side)
    side = side or scale.side
    sizes = np.maximum(anchors.sample(relative) * side, 0.1)
    clusters = anchors.cluster_sizes(sizes, count)
    default = anchors.generator(sizes, anchors.DEFAULT_SCALE, anchors.DEFAULT_RATIOS)
    suggested = anchors.suggest_generator(sizes)
    if suggested.fit.iou < default.fit.iou:
        suggested = default
    fit = anchors.fit(sizes, clusters)
    return Sizes(scale, side, sizes, clusters, fit, default, suggested)


def class_rows(overview: Overview) -> list[dict[str, Any]]:
    """One dict a class, the commonest first: names, boxes by split, images, median size."""
    boxes = overview.boxes
    counts, images = boxes.counts(), presence(boxes).diagonal()
    rows = []
    for label in np.argsort(-counts.sum(1), kind="stable").tolist():
        name, own = boxes.classes[label], boxes.wh[boxes.labels == label]
        median = np.median(own, 0).round(1).tolist() if len(own) else [None, None]
        rows.append({
            "name": name, "english": _called(name, "en"), "korean": _called(name, "ko"),
            "boxes": dict(zip(boxes.splits, counts[label].tolist(), strict=True)),
            "images": int(images[label]), "median_width": median[0], "median_height": median[1],
        })  # fmt: skip
    return rows


def _called(name: str, lang: str) -> str:
    """The usual name in ``lang`` of the species that ``name`` means; '' where none is known."""
    species = find(name)
    return next(iter(species.names.get(lang, ())), "") if species else ""
