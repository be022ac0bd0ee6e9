"""FishCrops: each labelled fish of a data set as one sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmdet.registry import DATASETS
from mmengine.dataset import force_full_init

from fish_dataset.dataset import FishDataset
from fish_dataset.errors import FishDataError

from .proposals import read_proposals, xyxy
from .windows import SMALLEST


@DATASETS.register_module()
class FishCrops(FishDataset):
    """A COCO file as one sample a fish, with the checks, classes and digest of ``FishDataset``.

    Folders of photos named by species are not read here; a gallery takes them
    (``tools/species.py enrol``).

    Args:
        *args: As ``FishDataset``.
        min_side: fish whose box is shorter than this on its longer side, in pixels, are left out
            and counted, as are crowd and ignored boxes.
        leave_out: class names whose fish are left out and counted: species that are held out to
            measure what a network does with fish that it was never taught. The class list keeps
            them.
        proposal_file: COCO results of a detector on this file; where they show a fish, training
            draws among its label and them.
        **kwargs: As ``FishDataset``; ``filter_cfg`` has no effect.

    Attributes:
        rows: (n,) int64, the rows of ``annotations``' boxes that the data set consists of.

    Raises:
        FishDataError: as ``FishDataset``; no crop is left, or ``leave_out`` names no class.
    """

    def __init__(
        self,
        *args: Any,
        min_side: int = SMALLEST,
        leave_out: Sequence[str] = (),
        proposal_file: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.min_side = min_side
        self.leave_out = tuple(leave_out)
        self.views_file = proposal_file
        self.views: dict[int, np.ndarray] = {}
        super().__init__(*args, **kwargs)

    def full_init(self) -> None:
        """Reads and checks the annotation file and chooses the crops; again, does nothing."""
        if self._fully_initialized:
            return
        super().full_init()
        if self.views_file is not None:
            self.views = read_proposals(Path(self.views_file), self.annotations)
            self._log(f"{len(self.views)} of {self.annotations.num_boxes} fish have proposals")

    @force_full_init
    def get_data_info(self, idx: int) -> dict:
        """One fish for the pipeline.

        Keys: img_path, img_id, box_id, box (float64 (4,), x1, y1, x2, y2), boxes (float64 (v, 4):
        the same and the detector's), label, width and height (equal numbers, for samplers that
        batch by shape), sample_idx, and site, video and frame.
        """
        data, box = self.annotations, int(self.rows[idx])
        image = int(data.box_image[box])
        corners = xyxy(data.bboxes[box])
        info = {
            "img_path": self._picture_path(image),
            "img_id": int(data.image_ids[image]),
            "box_id": int(data.box_ids[box]),
            "box": corners[0],
            "boxes": np.concatenate([corners, self.views.get(box, corners[:0])]),
            "label": int(data.labels[box]),
            "width": int(data.widths[image]),
            "height": int(data.widths[image]),  # equal: all crops get one shape, so any may share
            "sample_idx": idx if idx >= 0 else len(self) + idx,
        }
        return info | self._meta_of(image)

    @force_full_init
    def get_cat_ids(self, idx: int) -> list[int]:
        """The label of one crop."""
        return [int(self.annotations.labels[self.rows[idx]])]

    @property
    def sample_images(self) -> np.ndarray:
        """(n,) int64, the row of ``annotations``' images that each crop is of."""
        return self.annotations.box_image[self.rows]

    @property
    def labels(self) -> np.ndarray:
        """(n,) int32, the label of each crop."""
        self.full_init()
        return self.annotations.labels[self.rows]

    def _filtered_rows(self) -> np.ndarray:
        data = self.annotations
        unknown = sorted(set(self.leave_out) - set(data.classes))
        if unknown:
            raise FishDataError(
                f"{self.ann_file}: leave_out names {unknown}, which are no classes of it; it has "
                f"{list(data.classes)}"
            )
        ignored = data.crowd | data.ignore
        small = data.bboxes[:, 2:].max(axis=1, initial=0) < self.min_side
        held = np.isin(data.labels, [data.classes.index(name) for name in self.leave_out])
        for mask, why in (
            (ignored, "crowd or ignored boxes"),
            (small & ~ignored, f"fish smaller than {self.min_side} pixels"),
            (held & ~small & ~ignored, f"fish of held-out species ({', '.join(self.leave_out)})"),
        ):
            if mask.any():
                self._log(f"{int(mask.sum())} {why} are left out")
        keep = ~(ignored | small | held)
        if not keep.any():
            raise FishDataError(
                f"{self.ann_file}: none of its {data.num_boxes} boxes makes a crop of at least "
                f"{self.min_side} pixels; label fish, or lower min_side"
            )
        return np.flatnonzero(keep)

    def _contents(self) -> str:
        data = self.annotations
        return (
            f"{len(self.rows)} crops of {data.num_boxes} boxes on {data.num_images} images, "
            f"{len(data.classes)} classes: {', '.join(data.classes)}"
        )
