"""Copy-paste of fish between pictures, from boxes alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import BaseBoxes, autocast_box_type

from fish_dataset.errors import FishDataError

from . import parameters
from .base import fresh_generator, require_picture
from .cutout import Cutout, MaskMethod, cut, paste, transformed, visible_part

EDGE = 1.0  # pixels: a box this close to the picture's edge shows a cut fish
CROWDED = 0.2  # of a box under another one: its neighbour would come along without a box


def free_fish(boxes: np.ndarray, shape: tuple[int, ...], min_size: float) -> np.ndarray:
    """Rows of ``boxes`` (N, 4) x1, y1, x2, y2 that show one whole fish of ``min_size`` pixels."""
    low, high = boxes[:, :2], boxes[:, 2:]
    size = np.array([shape[1], shape[0]])
    whole = (low >= EDGE).all(1) & (high <= size - EDGE).all(1)
    corners = np.minimum(high[:, None], high[None]), np.maximum(low[:, None], low[None])
    shared = np.clip(corners[0] - corners[1], 0, None).prod(-1)
    np.fill_diagonal(shared, 0)
    alone = shared.max(1, initial=0) <= CROWDED * np.maximum((high - low).prod(1), 1e-6)
    return np.flatnonzero(whole & alone & ((high - low).min(1, initial=np.inf) >= min_size))


@TRANSFORMS.register_module()
class CopyPasteFish(BaseTransform):
    """Pastes fish of another picture, with boxes that fit their masks exactly.

    Simple Copy-Paste (Ghiasi et al. 2021, arXiv:2012.07177) for data sets that have boxes only:
    masks come from GrabCut or an ellipse. Fish are taken that are whole, not covered by another
    box, and not ignored. Of ``tries`` places the one is used that hides least. A box of which
    less than ``min_visible`` shows is taken away, one whose side is covered is cut back.

    Belongs into the pipeline of an mmdet ``MultiImageMixDataset``, which fetches the other
    picture. Required keys: img, gt_bboxes, gt_bboxes_labels, gt_ignore_flags, mix_results.
    Modified keys: img, gt_bboxes, gt_bboxes_labels, gt_ignore_flags.

    Args:
        prob: Share of the pictures for which another one is fetched.
        max_pasted: Most fish pasted into one picture, at least one where any is free.
        scale: Range of the factor on a fish's size.
        flip: Probability that a fish is mirrored.
        mask: 'grabcut' or 'ellipse'.
        min_visible: Share of a box that must stay visible for it to stay.
        min_size: Pixels on the shorter side of a box, before and after scaling.
        harmonise: Share of the new water's colour cast that a fish takes on.
        tries: Places tried for each fish.
    """

    def __init__(
        self,
        prob: float = 0.5,
        max_pasted: int = 3,
        scale: tuple[float, float] = (0.6, 1.2),
        flip: float = 0.5,
        mask: MaskMethod = "grabcut",
        min_visible: float = 0.4,
        min_size: float = 12.0,
        harmonise: float = 0.6,
        tries: int = 8,
    ) -> None:
        self.prob = parameters.number(self, "prob", prob, 0, 1)
        self.max_pasted = parameters.whole(self, "max_pasted", max_pasted, 1)
        self.scale = parameters.span(self, "scale", scale, 0.05, 20)
        self.flip = parameters.number(self, "flip", flip, 0, 1)
        (self.mask,) = parameters.choices(self, "mask", [mask], ("grabcut", "ellipse"))
        self.min_visible = parameters.number(self, "min_visible", min_visible, 0, 1)
        self.min_size = parameters.number(self, "min_size", min_size, 2)
        self.harmonise = parameters.number(self, "harmonise", harmonise, 0, 1)
        self.tries = parameters.whole(self, "tries", tries, 1)

    def get_indexes(self, dataset: Any) -> list[int]:
        """The picture to take fish from, as a list of one or, by chance, none.

        ``MultiImageMixDataset`` calls this. Pictures without boxes are passed over, as far as 15
        draws find another.
        """
        rng = fresh_generator()
        if rng.random() >= self.prob:
            return []
        index = 0
        for _ in range(15):
            index = int(rng.integers(len(dataset)))
            if dataset.get_cat_ids(index):
                break
        return [index]

    @autocast_box_type()
    def transform(self, results: dict) -> dict:
        """Paste fish of ``results['mix_results'][0]``; with an empty list nothing is changed.

        Raises:
            FishDataError: there is no mix_results, or there are masks, which would not fit.
        """
        self._check(results)
        require_picture(self, results["img"])
        if not results["mix_results"]:
            return results
        rng = fresh_generator()
        image = results["img"].copy()
        state = _Boxes.of(results)
        for fish, label in self._pick(results["mix_results"][0], rng):
            corner = self._place(fish, state, image.shape, rng)
            if corner is not None:
                state = state.covered(fish, corner, image.shape, self.min_visible)
                state = state.plus(paste(image, fish, corner, self.harmonise), label)
        results["img"] = image
        state.into(results)
        return results

    def _check(self, results: dict) -> None:
        if "mix_results" not in results:
            raise FishDataError(
                "CopyPasteFish: no mix_results; put it into the pipeline of a "
                "MultiImageMixDataset around FishDataset, see docs/transforms.md"
            )
        extra = sorted({"gt_masks", "gt_seg_map"} & set(results))
        if extra:
            raise FishDataError(f"CopyPasteFish: knows boxes only, and {extra} would be wrong")

    def _pick(self, other: dict, rng: np.random.Generator) -> list[tuple[Cutout, int]]:
        """Fish cut out of ``other``, scaled and mirrored by chance, with their labels."""
        image = require_picture(self, other["img"])
        boxes = _Boxes.of(other)
        rows = free_fish(boxes.corners, image.shape, self.min_size)
        rows = rows[~boxes.ignore[rows]]
        if not len(rows):
            return []
        rows = rng.permutation(rows)[: int(rng.integers(1, self.max_pasted + 1))]
        picked = []
        for row in rows.tolist():
            fish = cut(image, boxes.corners[row], self.mask)  # type: ignore[arg-type]
            factor = max(rng.uniform(*self.scale), self.min_size / min(fish.size))
            fish = transformed(fish, factor, bool(rng.random() < self.flip))
            picked.append((fish, int(boxes.labels[row])))
        return picked

    def _place(
        self, fish: Cutout, boxes: _Boxes, shape: tuple[int, ...], rng: np.random.Generator
    ) -> tuple[int, int] | None:
        """The corner, of some by chance, at which the worst covered box stays most visible."""
        room = shape[1] - fish.size[1], shape[0] - fish.size[0]
        if min(room) < 0:
            return None
        best, place = -1.0, None
        for _ in range(self.tries):
            corner = int(rng.integers(room[0] + 1)), int(rng.integers(room[1] + 1))
            shares = [visible_part(box, fish.mask, corner, shape)[0] for box in boxes.corners]
            if min(shares, default=1.0) > best:
                best, place = min(shares, default=1.0), corner
            if best == 1:
                break
        return place

    def __repr__(self) -> str:
        items = ", ".join(f"{key}={value!r}" for key, value in vars(self).items())
        return f"{type(self).__name__}({items})"


class _Boxes:
    """The boxes of one picture as NumPy: corners (N, 4), labels (N,), ignore (N,)."""

    def __init__(self, corners: np.ndarray, labels: np.ndarray, ignore: np.ndarray) -> None:
        self.corners, self.labels, self.ignore = corners, labels, ignore

    @classmethod
    def of(cls, results: dict) -> _Boxes:
        boxes = results["gt_bboxes"]
        values = boxes.numpy() if isinstance(boxes, BaseBoxes) else boxes
        corners = np.array(values, np.float32).reshape(-1, 4)
        return cls(corners, np.array(results["gt_bboxes_labels"]), _flags(results, len(corners)))

    def covered(
        self, fish: Cutout, corner: tuple[int, int], shape: tuple[int, ...], min_visible: float
    ) -> _Boxes:
        """What stays when ``fish`` lies over the picture."""
        parts = [visible_part(box, fish.mask, corner, shape) for box in self.corners]
        keep = np.array([share > 0 and share >= min_visible for share, _ in parts], bool)
        corners = np.array([box for _, box in parts], np.float32).reshape(-1, 4)
        return _Boxes(corners[keep], self.labels[keep], self.ignore[keep])

    def plus(self, box: np.ndarray, label: int) -> _Boxes:
        return _Boxes(
            np.concatenate([self.corners, box[None]]),
            np.append(self.labels, np.asarray(label, self.labels.dtype)),
            np.append(self.ignore, False),
        )

    def into(self, results: dict) -> None:
        kind = type(results["gt_bboxes"])
        tensor = torch.from_numpy(np.ascontiguousarray(self.corners, np.float32))
        results["gt_bboxes"] = kind(tensor)
        results["gt_bboxes_labels"] = self.labels
        results["gt_ignore_flags"] = self.ignore


def _flags(results: dict, count: int) -> np.ndarray:
    flags = results.get("gt_ignore_flags")
    return np.zeros(count, bool) if flags is None else np.array(flags, bool)
