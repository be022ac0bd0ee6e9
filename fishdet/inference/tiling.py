"""Large pictures in tiles, for schools of small fish: where the tiles lie, and one list of boxes.

The idea is SAHI's (https://obss.github.io/sahi/guides/sliced-inference/, 2026-11-25): overlapping
tiles find what is small in the whole picture, the whole picture finds what is larger than a tile.
SAHI merges all boxes that overlap by half of the smaller one. Here only boxes that a tile's border
cut are merged that way, so that a small fish before a large one stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from supervision.detection.utils.iou_and_nms import box_iou_batch

from fishdet.errors import FishdetError

from .boxes import Boxes, joined, unsuppressed

SAME_FISH_IOU = 0.5
PART_OF_FISH = 0.5  # of the smaller box
BORDER = 2.0  # pixels


@dataclass(frozen=True)
class Tiling:
    """Tiles of ``side`` × ``side`` pixels that overlap by ``overlap`` of their side.

    Raises:
        FishdetError: a side below 32, or an overlap outside 0 to 0.9.
    """

    side: int
    overlap: float = 0.2

    def __post_init__(self) -> None:
        if self.side < 32:
            raise FishdetError(f"tile {self.side}: a tile has at least 32 pixels a side")
        if not 0 <= self.overlap <= 0.9:
            raise FishdetError(f"tile overlap {self.overlap}: give 0 to 0.9 of the side")

    def windows(self, height: int, width: int) -> list[tuple[int, int, int, int]]:
        """Return (x1, y1, x2, y2) of each tile; all of one size, the last ones moved inwards.

        A picture that is no larger than a tile has none.
        """
        if height <= self.side and width <= self.side:
            return []
        return [
            (x, y, min(x + self.side, width), min(y + self.side, height))
            for y in self._starts(height)
            for x in self._starts(width)
        ]

    def _starts(self, length: int) -> list[int]:
        last = max(length - self.side, 0)
        step = max(1, round(self.side * (1 - self.overlap)))
        return [*range(0, last, step), last]


def cut_by_border(
    boxes: Boxes, window: tuple[int, int, int, int], height: int, width: int
) -> np.ndarray:
    """Return which boxes (N,) of a tile touch a border of it that lies inside the picture.

    Args:
        boxes: in pixels of the picture.
        window: (x1, y1, x2, y2) of the tile.
    """
    x1, y1, x2, y2 = window
    left, top, right, bottom = boxes.xyxy.T
    cut = (left <= x1 + BORDER) & (x1 > 0) | (top <= y1 + BORDER) & (y1 > 0)
    return cut | (right >= x2 - BORDER) & (x2 < width) | (bottom >= y2 - BORDER) & (y2 < height)


def merge_tiles(whole: Boxes, parts: Sequence[tuple[Boxes, np.ndarray]]) -> Boxes:
    """Return one list of boxes.

    Whole fish that two tiles saw are one by NMS (IoU 0.5, class by class). A piece that a border
    cut is dropped where a whole fish of its class covers half of it; pieces that remain grow
    together with those of their class that overlap half of the smaller one, the surest giving
    score and class scores.

    Args:
        whole: the boxes of the whole picture.
        parts: boxes of each tile, in pixels of the picture, and which of them a border cut.
    """
    every = joined([whole, *(boxes for boxes, _ in parts)])
    cut = np.concatenate([np.zeros(len(whole), bool), *(mask for _, mask in parts)])
    uncut = every.take(~cut)
    kept = uncut.take(unsuppressed(uncut, SAME_FISH_IOU))
    pieces = every.take(cut)
    share = _shared(pieces, kept)
    covered = (share / _areas(pieces)[:, None] > PART_OF_FISH).any(axis=1)
    return joined([kept, _grown(pieces.take(~covered))])


def _grown(pieces: Boxes) -> Boxes:
    """Pieces of one class that overlap become one box around them, the surest first."""
    pieces = pieces.take(np.argsort(-pieces.scores, kind="stable"))
    xyxy, free, kept = pieces.xyxy.copy(), np.ones(len(pieces), bool), []
    areas = _areas(pieces)
    overlaps = _shared(pieces, pieces) / np.minimum(areas[:, None], areas[None]) > PART_OF_FISH
    for row in range(len(pieces)):
        if not free[row]:
            continue
        group = np.flatnonzero(overlaps[row] & free)
        group = np.union1d(group, [row])
        xyxy[row] = *pieces.xyxy[group, :2].min(axis=0), *pieces.xyxy[group, 2:].max(axis=0)
        free[group] = False
        kept.append(row)
    found = pieces.take(np.array(kept, int))
    return Boxes(xyxy[np.array(kept, int)], found.scores, found.labels, found.class_scores)


def _shared(one: Boxes, other: Boxes) -> np.ndarray:
    """Intersection (N, M) in square pixels, 0 between classes."""
    iou = box_iou_batch(one.xyxy, other.xyxy)
    total = _areas(one)[:, None] + _areas(other)[None]
    return np.where(one.labels[:, None] == other.labels[None], iou / (1 + iou) * total, 0)


def _areas(boxes: Boxes) -> np.ndarray:
    return np.maximum((boxes.xyxy[:, 2:] - boxes.xyxy[:, :2]).prod(axis=1), 1e-6)
