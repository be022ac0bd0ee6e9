"""FishDataset: Annotations as an mmdet data set."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import Compose
from mmdet.registry import DATASETS
from mmengine.dataset import force_full_init
from mmengine.logging import print_log

from fish_dataset import sharing  # noqa: F401  (registers how Annotations go to processes)
from fish_dataset.classes import as_classes
from fish_dataset.coco import read_classes, read_coco
from fish_dataset.errors import FishDataError
from fish_dataset.files import file_sha256
from fish_dataset.findings import summarise
from fish_dataset.mmdet_import import BaseDetDataset
from fish_dataset.palette import palette
from fish_dataset.reading.disk import picture_size
from fish_dataset.shards.address import PREFIX, parse_address
from fish_dataset.shards.index import read_index
from fish_dataset.transforms.reduced import with_reduced_decoding
from fish_dataset.wording import number_of

_FILTERS = ("filter_empty_gt", "min_size")
_META = ("site", "video", "frame")


@DATASETS.register_module()
class FishDataset(BaseDetDataset):
    """A COCO file as an mmdet data set that owns its class order and checks what it reads.

    Differences from ``mmdet.datasets.CocoDataset``: labels follow ``metainfo['classes']`` (given,
    or in the order of category ids) and never the file's order; a file whose classes are another
    set is refused; faults are refused or repaired and counted, nothing is dropped in silence; the
    annotations stay columns in memory, and ``get_data_info`` builds one image's dict when asked.

    Args:
        *args: As ``BaseDetDataset``: ann_file, metainfo, data_root, data_prefix (its ``img`` is the
            image folder), filter_cfg, indices, …, all of which may be keywords.
        check_images: Whether to look for each picture on disk when loading.
        proposal_file: Not supported.
        shards: Index of the tar files that hold the pictures (``tools/dataset/shard.py``).
        shard_base: Where these are, if not beside the index: a folder, or an fsspec address.
        reduced_decode: Whether the pipeline decodes JPEGs at 1/2, 1/4 or 1/8 where its resize asks
            for no more (``fish_dataset.transforms.reduced``). Off unless asked for: the pixels
            differ a little from those of a whole picture that is shrunk.
        **kwargs: As ``BaseDetDataset``. ``filter_cfg`` takes ``filter_empty_gt`` (leave out images
            without boxes; they are kept by default) and ``min_size`` (leave out pictures whose
            shorter side has fewer pixels); both count in training only. ``serialize_data`` has no
            effect.

    Attributes:
        annotations: All images of the file, filtered or not.
        rows: (n,) int64, the rows of ``annotations`` that the data set consists of.
        findings: What was repaired or is worth a look.
        digest: SHA-256 of the annotation file, in hex.
        picture_shards: (n,) int32, the shard of each sample's picture; None without shards.

    Raises:
        FishDataError: The file cannot be used, nothing is left after filtering, or an argument is
            wrong; and from ``__getitem__``, a picture cannot be read.
    """

    _fully_initialized: bool  # of mmengine's BaseDataset, which has no types

    def __init__(
        self,
        *args: Any,
        check_images: bool = True,
        proposal_file: str | None = None,
        shards: str | os.PathLike | None = None,
        shard_base: str | None = None,
        reduced_decode: bool = False,
        **kwargs: Any,
    ) -> None:
        if not isinstance(reduced_decode, bool):
            raise FishDataError(f"reduced_decode={reduced_decode!r} is neither True nor False")
        if proposal_file is not None:
            raise FishDataError(
                f"proposal_file={proposal_file!r}: FishDataset takes no precomputed proposals; "
                "leave it out"
            )
        unknown = sorted(set(kwargs.get("filter_cfg") or ()) - set(_FILTERS))
        if unknown:
            raise FishDataError(f"filter_cfg has unknown {unknown}; it takes {list(_FILTERS)}")
        self._shard_index = None if shards is None else read_index(shards, shard_base)
        self.check_images = check_images and shards is None
        self.reduced_decode = reduced_decode
        super().__init__(*args, **kwargs)
        if not self._fully_initialized:
            # Wrappers and samplers ask for the classes before they call full_init.
            self._set_classes(self._given_classes() or read_classes(self.ann_file))

    @property
    def pipeline(self) -> Compose:
        """The transforms; one that is set (``PipelineSwitchHook``) decodes reduced as the first."""
        return self._pipeline

    @pipeline.setter
    def pipeline(self, pipeline: Compose) -> None:
        self._pipeline = with_reduced_decoding(pipeline) if self.reduced_decode else pipeline

    @property
    def image_dir(self) -> Path:
        """The folder that file names start from."""
        return Path(self._image_prefix or ".")

    @property
    def sample_images(self) -> np.ndarray:
        """(n,) int64, the row of ``annotations``' images that each sample is of."""
        return self.rows

    @property
    def image_rows(self) -> np.ndarray:
        """(N,) int64, the rows of ``annotations``' images that the data set shows, ascending."""
        return np.unique(self.sample_images)

    @property
    def _image_prefix(self) -> str:
        return self.data_prefix.get("img", self.data_prefix.get("img_path", ""))

    def full_init(self) -> None:
        """Reads, checks and filters the annotation file; a second call does nothing."""
        if self._fully_initialized:
            return
        self.annotations, self.findings = read_coco(
            self.ann_file,
            classes=self._given_classes(),
            image_dir=self.image_dir,
            check_images=self.check_images,
        )
        self.digest = file_sha256(self.ann_file)
        self._shard_rows = self._find_in_shards()
        self._set_classes(self.annotations.classes)
        self.rows = self._filtered_rows()
        if self._indices is not None:
            self.rows = _subset(self.rows, self._indices)
        for line in (self._contents(), *summarise(self.findings)):
            self._log(line)
        self._fully_initialized = True

    @property
    def picture_shards(self) -> np.ndarray | None:
        """The shard of each sample's picture; None without shards."""
        if self._shard_index is None or self._shard_rows is None:
            return None
        return self._shard_index.shards[self._shard_rows[self.sample_images]]

    def _find_in_shards(self) -> np.ndarray | None:
        """The row of the index for each image of the file."""
        if self._shard_index is None:
            return None
        rows = self._shard_index.rows_of(self.annotations.image_ids)
        missing = np.flatnonzero(rows < 0)
        if len(missing):
            raise FishDataError(
                f"{self.ann_file}: {len(missing)} pictures stand in no shard, the first "
                f"{self.annotations.file_names[int(missing[0])]!r}; make the shards anew "
                "(tools/dataset/shard.py)"
            )
        return rows

    def _picture_path(self, row: int) -> str:
        name = self.annotations.file_names[row]
        if self._shard_index is None or self._shard_rows is None:
            return os.path.join(self._image_prefix, name)
        return self._shard_index.address(int(self._shard_rows[row]), name)

    def load_data_list(self) -> list[dict]:
        """All images as dicts, for tools that want a list; the data set itself keeps none."""
        return [self.get_data_info(index) for index in range(len(self))]

    @force_full_init
    def get_data_info(self, idx: int) -> dict:
        """One image as mmdet's pipelines take it.

        Keys: img_path, img_id, height, width, instances (each with bbox as x1, y1, x2, y2;
        bbox_label; ignore_flag, 1 for crowd and ignored boxes), sample_idx, and site, video and
        frame where the file has them.
        """
        data = self.annotations
        row = int(self.rows[idx])
        info = {
            "img_path": self._picture_path(row),
            "img_id": int(data.image_ids[row]),
            "height": int(data.heights[row]),
            "width": int(data.widths[row]),
            "instances": self._instances(row),
            "sample_idx": idx if idx >= 0 else len(self) + idx,
        }
        info.update(self._meta_of(row))
        if self.return_classes:  # as CocoDataset does, for detectors that are prompted with text
            info["text"] = self._metainfo["classes"]
            info["caption_prompt"] = self.caption_prompt
            info["custom_entities"] = True
        return info

    @force_full_init
    def get_cat_ids(self, idx: int) -> list[int]:
        """The labels of the image's boxes."""
        return self.annotations.labels[self.annotations.boxes_of(int(self.rows[idx]))].tolist()

    @force_full_init
    def __len__(self) -> int:
        return len(self.rows)

    @force_full_init
    def get_subset_(self, indices: int | Sequence[int]) -> None:
        """Keeps the first ``indices`` images (the last ones, if negative), or those listed."""
        self.rows = _subset(self.rows, indices)

    @force_full_init
    def get_subset(self, indices: int | Sequence[int]) -> FishDataset:
        """As ``get_subset_`` on a copy, which shares the annotations."""
        other = self._copy_without_annotation()
        other.data_list = []
        other.rows = _subset(self.rows, indices)
        return other

    def prepare_data(self, idx: int) -> Any:
        """The image after the pipeline; None where a transform gave the image up.

        Raises:
            FishDataError: The picture is missing or cannot be decoded. (mmengine would train on
                another one in its place, or stop without naming it.)
        """
        info = self.get_data_info(idx)
        path = info["img_path"]
        try:
            result = self.pipeline(info)
        except (OSError, AssertionError, ValueError, cv2.error) as error:
            _check_picture(path, error)
            raise
        if (
            result is None and "://" not in path and picture_size(path) is None
        ):  # not a transform's choice
            _check_picture(path, None)
        return result

    def _meta_of(self, row: int) -> dict[str, Any]:
        """Site, video and frame of an image, as far as the file has them."""
        meta = self.annotations.image_meta
        return {key: meta[key][row] for key in _META if key in meta}

    def _instances(self, row: int) -> list[dict]:
        # Python numbers on purpose: for a handful of boxes they are faster than arrays.
        data = self.annotations
        boxes = data.boxes_of(row)
        columns = zip(
            data.bboxes[boxes].tolist(),
            data.labels[boxes].tolist(),
            (data.crowd[boxes] | data.ignore[boxes]).tolist(),
            strict=True,
        )
        return [
            {"bbox": [x, y, x + w, y + h], "bbox_label": label, "ignore_flag": int(flag)}
            for (x, y, w, h), label, flag in columns
        ]

    def _given_classes(self) -> tuple[str, ...] | None:
        classes = self._metainfo.get("classes")
        return None if classes is None else as_classes(classes)

    def _set_classes(self, classes: tuple[str, ...]) -> None:
        self._metainfo["classes"] = classes
        colours = self._metainfo.get("palette")
        if colours is None or len(colours) != len(classes):
            self._metainfo["palette"] = palette(len(classes))

    def _filtered_rows(self) -> np.ndarray:
        """The rows that ``filter_cfg`` leaves; how many it takes away is logged."""
        data = self.annotations
        keep = np.ones(data.num_images, dtype=bool)
        config = {} if self.test_mode else self.filter_cfg or {}
        if config.get("filter_empty_gt", False):
            empty = np.diff(data.offsets) == 0
            self._log(
                f"left out: {number_of(int(empty.sum()), 'image')} without boxes (filter_empty_gt)"
            )
            keep &= ~empty
        if config.get("min_size", 0) > 0:
            small = np.minimum(data.widths, data.heights) < config["min_size"]
            few = number_of(int(small.sum()), "image")
            self._log(f"left out: {few} under {config['min_size']} pixels (min_size)")
            keep &= ~small
        if not keep.any():
            raise FishDataError(
                f"{self.ann_file}: none of its {data.num_images} images is left after "
                f"filter_cfg={dict(config)!r}; loosen it or label more pictures"
            )
        return np.flatnonzero(keep)

    def _contents(self) -> str:
        """What the data set consists of, in a line for the log."""
        data = self.annotations
        return (
            f"{len(self.rows)} of {number_of(data.num_images, 'image')}, "
            f"{number_of(data.num_boxes, 'box', 'boxes')}, "
            f"{number_of(len(data.classes), 'class', 'classes')}: {', '.join(data.classes)}"
        )

    def _log(self, message: str) -> None:
        print_log(f"{self.ann_file}: {message}", logger="current", level=logging.INFO)


def _subset(rows: np.ndarray, indices: int | Sequence[int]) -> np.ndarray:
    if isinstance(indices, (int, np.integer)):
        return rows[:indices] if indices >= 0 else rows[indices:]
    return rows[np.asarray(indices, dtype=np.int64)]


def _check_picture(path: str, error: Exception | None) -> None:
    """Raises FishDataError if ``path`` holds no picture that can be decoded."""
    if path.startswith(f"{PREFIX}://"):
        shard, _, _, name = parse_address(path)
        raise FishDataError(
            f"{name} in {shard}: cannot be decoded as a picture; make the shards anew, or take its "
            "entry out of the annotations"
        ) from error
    if not os.path.exists(path):
        reason = "the picture is gone from disk; copy it there"
    elif not os.access(path, os.R_OK):
        reason = "no permission to read the picture; mend it"
    elif picture_size(path) is None or cv2.imread(path, cv2.IMREAD_UNCHANGED) is None:
        reason = "cannot be decoded as a picture; copy it again"
    else:
        return
    raise FishDataError(f"{path}: {reason}, or take its entry out of the annotations") from error
