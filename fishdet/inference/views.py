"""One picture seen in several ways: mirrored, in tiles; one list of boxes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .boxes import Boxes, above, class_agnostic, merge_flipped
from .options import DetectionOptions
from .tiling import Tiling, cut_by_border, merge_tiles

Look = Callable[[Sequence[np.ndarray]], "list[Boxes]"]
"""From images, uint8 BGR (H, W, 3), to the boxes of each."""


def look(
    network: Look, images: Sequence[np.ndarray], options: DetectionOptions, thresholds: np.ndarray
) -> list[Boxes]:
    """Return the boxes of each image, best first, as the options want them.

    Args:
        network: what finds boxes on images.
        images: uint8 BGR (H, W, 3).
        options: flips, tiles, class-agnostic NMS.
        thresholds: the least score of each class (C,).
    """

    def sure(pictures: Sequence[np.ndarray]) -> list[Boxes]:
        return [above(boxes, thresholds) for boxes in network(pictures)]

    def seen(pictures: Sequence[np.ndarray]) -> list[Boxes]:
        return _flipped(sure, pictures) if options.flip else sure(pictures)

    if options.tiling is None:
        found = seen(images)
    else:
        found = [_tiled(seen, image, options.tiling, options.batch_size) for image in images]
    if options.agnostic_nms is not None:
        found = [class_agnostic(boxes, options.agnostic_nms) for boxes in found]
    return [above(boxes, thresholds) for boxes in found]


def _flipped(network: Look, images: Sequence[np.ndarray]) -> list[Boxes]:
    mirrored = network([np.ascontiguousarray(image[:, ::-1]) for image in images])
    triples = zip(images, network(images), mirrored, strict=True)
    return [merge_flipped(one, other.mirrored(image.shape[1])) for image, one, other in triples]


def _tiled(network: Look, image: np.ndarray, tiling: Tiling, batch_size: int) -> Boxes:
    whole = network([image])[0]
    height, width = image.shape[:2]
    windows = tiling.windows(height, width)
    if not windows:
        return whole
    parts = []
    for start in range(0, len(windows), batch_size):  # a few tiles in memory at a time
        batch = windows[start : start + batch_size]
        for window, boxes in zip(batch, network([_cut(image, w) for w in batch]), strict=True):
            placed = boxes.moved(window[0], window[1])
            parts.append((placed, cut_by_border(placed, window, height, width)))
    return merge_tiles(whole, parts)


def _cut(image: np.ndarray, window: tuple[int, int, int, int]) -> np.ndarray:
    x1, y1, x2, y2 = window
    return np.ascontiguousarray(image[y1:y2, x1:x2])
