"""The boxes of all splits side by side, and what can be counted from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fish_dataset.folder import Part

SMALL, MEDIUM = 32.0**2, 96.0**2
"""Areas in pixels that part COCO's small, medium and large (cocodataset.org/#detection-eval)."""

_CHUNK = 20_000  # pictures of which the presence of all classes is held at a time


@dataclass(frozen=True)
class Boxes:
    """M boxes in N pictures of S splits and C classes; ignored and crowd boxes are left out.

    Attributes:
        classes: C names: those of the first split, then what others add.
        splits: S names.
        split_of_image: (N,) int64.
        names: N file names.
        sizes: (N, 2) float64, width and height of the pictures in pixels.
        image: (M,) int64, picture of each box.
        labels: (M,) int64.
        xywh: (M, 4) float64, pixels.
        left_out: How many boxes are ignored or crowd.
    """

    classes: tuple[str, ...]
    splits: tuple[str, ...]
    split_of_image: np.ndarray
    names: list[str]
    sizes: np.ndarray
    image: np.ndarray
    labels: np.ndarray
    xywh: np.ndarray
    left_out: int

    @property
    def wh(self) -> np.ndarray:
        """(M, 2) float64, width and height of the boxes in pixels."""
        return self.xywh[:, 2:]

    @property
    def relative_wh(self) -> np.ndarray:
        """(M, 2) float64, width and height in units of the picture's longer side."""
        return self.wh / self.sizes[self.image].max(1, keepdims=True)

    @property
    def per_image(self) -> np.ndarray:
        """(N,) int64, boxes of each picture."""
        return np.bincount(self.image, minlength=len(self.names))

    def counts(self) -> np.ndarray:
        """(C, S) int64, boxes of each class in each split."""
        shape = len(self.classes), len(self.splits)
        flat = self.labels * shape[1] + self.split_of_image[self.image]
        return np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape)


def pool(parts: Mapping[str, Part]) -> Boxes:
    """The boxes of all splits of a folder."""
    data = [part.annotations for part in parts.values()]
    classes = tuple(dict.fromkeys(name for one in data for name in one.classes))
    position = {name: index for index, name in enumerate(classes)}
    counts = [one.num_images for one in data]
    starts = np.cumsum([0, *counts])
    keep = [~(one.crowd | one.ignore) for one in data]
    labels = [
        np.array([position[name] for name in one.classes], np.int64)[one.labels] for one in data
    ]
    return Boxes(
        classes,
        tuple(parts),
        np.repeat(np.arange(len(data)), counts),
        [name for one in data for name in one.file_names],
        np.concatenate([np.stack([one.widths, one.heights], 1) for one in data]).astype(float),
        np.concatenate(
            [one.box_image[k] + s for one, k, s in zip(data, keep, starts, strict=False)]
        ),
        np.concatenate([label[k] for label, k in zip(labels, keep, strict=True)]),
        np.concatenate([one.bboxes[k] for one, k in zip(data, keep, strict=True)]).astype(float),
        int(sum((~k).sum() for k in keep)),
    )


def presence(boxes: Boxes) -> np.ndarray:
    """(C, C) int64: in how many pictures two classes are together; the diagonal, a class at all."""
    number = len(boxes.classes)
    together = np.zeros((number, number), np.int64)
    for first in range(0, len(boxes.names), _CHUNK):
        low, high = np.searchsorted(boxes.image, [first, first + _CHUNK])
        there = np.zeros((min(_CHUNK, len(boxes.names) - first), number), np.float32)
        there[boxes.image[low:high] - first, boxes.labels[low:high]] = 1
        together += np.rint(there.T @ there).astype(np.int64)
    return together


def coverage(boxes: Boxes, cells: int = 32) -> np.ndarray:
    """(cells, cells) float64: the share of the boxes that reach into each part of the picture."""
    size = boxes.sizes[boxes.image]
    low = np.floor(boxes.xywh[:, :2] / size * cells + 1e-6).astype(int)
    high = np.ceil((boxes.xywh[:, :2] + boxes.wh) / size * cells - 1e-6).astype(int)
    (x1, y1), (x2, y2) = np.clip(low, 0, cells - 1).T, np.clip(high, 1, cells).T
    steps = np.zeros((cells + 1, cells + 1))
    for y, x, step in ((y1, x1, 1), (y1, x2, -1), (y2, x1, -1), (y2, x2, 1)):
        np.add.at(steps, (y, x), step)
    return steps.cumsum(0).cumsum(1)[:-1, :-1] / max(len(boxes.image), 1)


def size_counts(boxes: Boxes) -> dict[str, int]:
    """Boxes that COCO calls small, medium and large, at the size the pictures are stored in."""
    areas = boxes.wh.prod(1)
    small, large = int((areas < SMALL).sum()), int((areas >= MEDIUM).sum())
    return {"small": small, "medium": len(areas) - small - large, "large": large}


def classes_for(counts: np.ndarray, share: float = 0.9) -> int:
    """How many of the commonest classes hold ``share`` of the boxes; ``counts`` is (C,)."""
    ordered = np.sort(counts)[::-1].cumsum()
    return 0 if not counts.sum() else int(np.searchsorted(ordered, share * ordered[-1] - 1e-9)) + 1
