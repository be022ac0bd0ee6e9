"""From a picture and a box to what a network that names species takes."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmdet.registry import TRANSFORMS
from mmengine.structures import BaseDataElement

from fish_dataset.errors import FishDataError
from fish_dataset.transforms import parameters
from fish_dataset.transforms.base import fresh_generator

from .windows import MARGIN, cut, jittered


@TRANSFORMS.register_module()
class ResizeCrop(BaseTransform):
    """Cut the fish out of its picture and bring it to one size; see ``windows.cut``.

    Required keys: img, box; boxes where ``proposals``. Modified keys: img. Added: img_shape.

    Args:
        scale: width and height of the crop in pixels.
        margin: added on each side, of the box's width or height.
        jitter: how far sides move by chance, of the box; 0 for none. See ``windows.jittered``.
        proposals: draw by chance among ``boxes``, the label and a detector's.
        flip: probability of a mirrored crop.
    """

    def __init__(
        self,
        scale: tuple[int, int] = (128, 128),
        margin: float = MARGIN,
        jitter: float = 0.0,
        proposals: bool = False,
        flip: float = 0.0,
    ) -> None:
        if len(scale) != 2 or min(scale) < 8:
            raise FishDataError(f"ResizeCrop: scale={scale!r}: give width and height from 8 pixels")
        self.scale = (int(scale[0]), int(scale[1]))
        self.margin = parameters.number(self, "margin", margin, 0, 10)
        self.jitter = parameters.number(self, "jitter", jitter, 0, 0.5)
        self.flip = parameters.number(self, "flip", flip, 0, 1)
        self.proposals = proposals

    @cache_randomness
    def _random(self) -> np.random.Generator:
        return fresh_generator()

    def transform(self, results: dict) -> dict:
        """Replace ``results['img']`` by the crop."""
        box, flipped = results["box"], False
        if self.jitter or self.proposals or self.flip:
            rng = self._random()
            if self.proposals:
                box = results["boxes"][int(rng.integers(len(results["boxes"])))]
            box = jittered(box, self.jitter, rng) if self.jitter else box
            flipped = bool(rng.random() < self.flip)
        crop = cut(results["img"], box, self.scale, self.margin)
        results["img"] = cv2.flip(crop, 1) if flipped else crop
        results["img_shape"] = results["img"].shape[:2]
        return results


@TRANSFORMS.register_module()
class CropColour(BaseTransform):
    """Brightness, contrast and the weight of each colour changed by chance.

    What lamps, depth and cameras change and species do not. Required and modified keys: img.

    Args:
        brightness, contrast, colour: largest change, of 1.
    """

    def __init__(self, brightness: float = 0.2, contrast: float = 0.2, colour: float = 0.1) -> None:
        self.brightness = parameters.number(self, "brightness", brightness, 0, 1)
        self.contrast = parameters.number(self, "contrast", contrast, 0, 1)
        self.colour = parameters.number(self, "colour", colour, 0, 1)

    @cache_randomness
    def _random(self) -> np.ndarray:
        return fresh_generator().uniform(-1, 1, 5)

    def transform(self, results: dict) -> dict:
        """Change ``results['img']`` by one linear table a colour."""
        light, contrast, *colours = self._random()
        values = np.arange(256, dtype=np.float32)
        gains = (1 + self.brightness * light) * (1 + self.colour * np.array(colours))
        spread = 1 + self.contrast * contrast
        tables = [np.clip((values - 127) * spread * gain + 127 * gain, 0, 255) for gain in gains]
        table = np.stack(tables, axis=1).astype(np.uint8)[None]
        results["img"] = cv2.LUT(results["img"], table)
        return results


@TRANSFORMS.register_module()
class PackCrop(BaseTransform):
    """Put crop and label into the form of mmengine's models.

    Required keys: img. Optional: label, and what ``meta_keys`` names.

    Returns: ``inputs`` uint8 (3, H, W) and ``data_samples`` with ``gt_label`` int64 (1,).
    """

    def __init__(
        self, meta_keys: tuple[str, ...] = ("img_path", "img_id", "box_id", "sample_idx", "video",
                                            "site")
    ) -> None:  # fmt: skip
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict) -> dict[str, Any]:
        """Return inputs and data sample."""
        image = results["img"]
        pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
        sample = BaseDataElement(
            metainfo={key: results[key] for key in self.meta_keys if key in results}
        )
        if "label" in results:
            sample.gt_label = torch.tensor([results["label"]], dtype=torch.int64)
        return {"inputs": pixels, "data_samples": sample}
