"""Annotations: the one value type of the data side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from types import MappingProxyType

import numpy as np

from fish_dataset.ragged import as_rows, ranges
from fish_dataset.strings import Strings

_IMAGE_COLUMNS = {"image_ids": np.int64, "widths": np.int32, "heights": np.int32}
_BOX_COLUMNS = {
    "box_ids": np.int64,
    "box_image": np.int64,
    "bboxes": np.float32,
    "labels": np.int32,
    "crowd": np.bool_,
    "ignore": np.bool_,
    "areas": np.float32,
}


@dataclass(frozen=True, eq=False)
class Annotations:
    """Images and boxes as columns: N images, M boxes, C classes. Immutable.

    A million boxes take 42 MB. Copies share the arrays; so do forked processes, and spawned ones
    by way of ``fish_dataset.sharing``.

    Attributes:
        classes: C names; a label is an index into them. This is the class order of the data set.
        image_ids: (N,) int64, unique, at least 1.
        file_names: N names, relative to the image folder or absolute, with forward slashes.
        widths: (N,) int32, pixels.
        heights: (N,) int32, pixels.
        box_ids: (M,) int64, at least 1 (an id of 0 counts as "no match" in pycocotools).
        box_image: (M,) int64, row of the box's image, ascending.
        bboxes: (M, 4) float32, x, y, width, height in pixels from the top left corner.
        labels: (M,) int32, 0 … C - 1.
        crowd: (M,) bool, COCO's iscrowd.
        ignore: (M,) bool, neither to be found nor to be counted as a false alarm.
        areas: (M,) float32, square pixels.
        image_meta: Further columns of the images, such as 'site', 'video' and 'frame'; an empty
            string where an image has none.

    Raises:
        ValueError: columns of different length, boxes not sorted by image, labels or rows out of
            range, ids below 1, image ids that are not unique. (A fault of the caller: files are
            checked by ``fish_dataset.coco.read_coco``.)
    """

    classes: tuple[str, ...]
    image_ids: np.ndarray
    file_names: Strings
    widths: np.ndarray
    heights: np.ndarray
    box_ids: np.ndarray
    box_image: np.ndarray
    bboxes: np.ndarray
    labels: np.ndarray
    crowd: np.ndarray
    ignore: np.ndarray
    areas: np.ndarray
    image_meta: Mapping[str, Strings] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, dtype in {**_IMAGE_COLUMNS, **_BOX_COLUMNS}.items():
            object.__setattr__(self, name, _frozen(getattr(self, name), dtype))
        meta = {key: Strings.of(column) for key, column in self.image_meta.items()}
        object.__setattr__(self, "classes", tuple(self.classes))
        object.__setattr__(self, "file_names", Strings.of(self.file_names))
        object.__setattr__(self, "image_meta", MappingProxyType(meta))
        self._check_lengths()
        self._check_values()

    def _check_lengths(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in _IMAGE_COLUMNS}
        lengths["file_names"] = len(self.file_names)
        lengths.update({key: len(column) for key, column in self.image_meta.items()})
        if set(lengths.values()) != {self.num_images}:
            raise ValueError(f"image columns of different length: {lengths}")
        lengths = {name: len(getattr(self, name)) for name in _BOX_COLUMNS}
        if set(lengths.values()) != {self.num_boxes}:
            raise ValueError(f"box columns of different length: {lengths}")
        if self.bboxes.shape != (self.num_boxes, 4):
            raise ValueError(f"bboxes of shape {self.bboxes.shape}")

    def _check_values(self) -> None:
        if len(np.unique(self.image_ids)) != self.num_images:
            raise ValueError("image_ids are not unique")
        for name, low, high in (
            ("image_ids", 1, None),
            ("box_ids", 1, None),
            ("box_image", 0, self.num_images),
            ("labels", 0, len(self.classes)),
        ):
            column = getattr(self, name)
            if column.size and (column.min() < low or (high is not None and column.max() >= high)):
                raise ValueError(f"{name} out of range: {column.min()} … {column.max()}")
        if np.any(np.diff(self.box_image) < 0):
            raise ValueError("boxes are not sorted by image")

    @property
    def num_images(self) -> int:
        """N."""
        return len(self.image_ids)

    @property
    def num_boxes(self) -> int:
        """M."""
        return len(self.box_ids)

    @cached_property
    def offsets(self) -> np.ndarray:
        """(N + 1,) int64: the boxes of image row ``i`` are ``offsets[i]:offsets[i + 1]``."""
        ends = np.searchsorted(self.box_image, np.arange(self.num_images + 1))
        return _frozen(ends, np.int64)

    def boxes_of(self, row: int) -> slice:
        """The boxes of image row ``row``, as a slice of the box columns."""
        return slice(int(self.offsets[row]), int(self.offsets[row + 1]))

    def boxes_per_class(self) -> np.ndarray:
        """(C,) int64, boxes of each class that are to be found: no crowd, no ignored ones."""
        counted = ~(self.crowd | self.ignore)
        return np.bincount(self.labels[counted], minlength=len(self.classes))

    def ignored_per_class(self) -> np.ndarray:
        """(C,) int64, crowd and ignored boxes of each class; with ``boxes_per_class``, all."""
        ignored = self.crowd | self.ignore
        return np.bincount(self.labels[ignored], minlength=len(self.classes))

    def select_images(self, rows: object) -> Annotations:
        """The images at ``rows`` with their boxes, in that order; ids are kept.

        Args:
            rows: A slice, a mask (N,) or integer rows without repeats.

        Raises:
            IndexError: a row is out of range.
            ValueError: a row is named twice.
        """
        index = as_rows(rows, self.num_images)
        starts = self.offsets[index]
        counts = self.offsets[index + 1] - starts
        boxes = ranges(starts, counts)
        columns = {name: getattr(self, name)[index] for name in _IMAGE_COLUMNS}
        columns |= {name: getattr(self, name)[boxes] for name in _BOX_COLUMNS}
        columns["box_image"] = np.repeat(np.arange(len(index)), counts)
        return Annotations(
            classes=self.classes,
            file_names=self.file_names.take(index),
            image_meta={key: column.take(index) for key, column in self.image_meta.items()},
            **columns,
        )

    def equals(self, other: Annotations) -> bool:
        """Whether all columns hold the same values."""
        same = all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in (*_IMAGE_COLUMNS, *_BOX_COLUMNS)
        )
        return (
            same
            and self.classes == other.classes
            and self.file_names == other.file_names
            and dict(self.image_meta) == dict(other.image_meta)
        )

    def __repr__(self) -> str:
        return (
            f"Annotations({self.num_images} images, {self.num_boxes} boxes, "
            f"{len(self.classes)} classes)"
        )

    def __reduce__(self) -> tuple:
        # Through the constructor, since unpickled arrays would be writeable again.
        values = [getattr(self, f.name) for f in fields(self)]
        return Annotations, (*values[:-1], dict(self.image_meta))

    def __deepcopy__(self, memo: dict) -> Annotations:
        return self


def _frozen(values: object, dtype: type) -> np.ndarray:
    array: np.ndarray = np.ascontiguousarray(values, dtype=dtype).view()
    array.flags.writeable = False
    return array
