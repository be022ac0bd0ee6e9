"""Detect with a file that fishdet exported, with PyTorch and torchvision and nothing else.

    python NAME.py NAME.pth PICTURE …            prints one line of JSON a picture

    from NAME import load, read_picture
    model, classes = load("NAME.pth")
    found = model([read_picture("reef.jpg")])[0]     # boxes (N, 4) xyxy, scores (N,), labels (N,)
    names = [classes[label - 1] for label in found["labels"]]      # label 0 is the background

The file holds tensors and plain data; nothing in it is executed. The classes below are what the
model was trained with where torchvision does otherwise.
"""

from __future__ import annotations

import argparse
import json
import pickle
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageOps
from torch import Tensor, nn
from torchvision.models import get_model
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import (
    FastRCNNConvFCHead,
    FastRCNNPredictor,
    TwoMLPHead,
)
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RPNHead
from torchvision.models.detection.transform import GeneralizedRCNNTransform, resize_boxes
from torchvision.ops import MultiScaleRoIAlign, roi_align
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool
from torchvision.transforms.functional import to_tensor

FORMAT = "fishdet-torchvision-1"
LEVELS = ("0", "1", "2", "3")


class FixedAnchors(AnchorGenerator):
    """Anchors of given corners (levels, anchors, 4), at strides that do not follow the picture."""

    def __init__(self, cells: list[list[list[float]]], strides: list[int]) -> None:
        super().__init__(((1,),) * len(cells), ((1.0,),) * len(cells))
        self.cell_anchors = [torch.tensor(cell) for cell in cells]
        self.strides = strides

    def num_anchors_per_location(self) -> list[int]:
        """Return the number of anchors of a cell, a level each."""
        return [len(cell) for cell in self.cell_anchors]

    def forward(self, image_list: ImageList, feature_maps: list[Tensor]) -> list[Tensor]:
        """Return the anchors (N, 4) of each picture, all levels together."""
        first = feature_maps[0]
        self.set_cell_anchors(first.dtype, first.device)
        steps = [[torch.tensor(s, device=first.device)] * 2 for s in self.strides]
        grids = [list(feature.shape[-2:]) for feature in feature_maps]
        anchors = torch.cat(self.grid_anchors(grids, steps))
        return [anchors for _ in image_list.image_sizes]


class BoundedCoder(BoxCoder):
    """Bounds how much a box may shrink too, not only how much it may grow."""

    def decode_single(self, rel_codes: Tensor, boxes: Tensor) -> Tensor:
        """Return boxes (N, C·4) of deltas of that shape."""
        codes = rel_codes.clone()
        for column, weight in ((2, self.weights[2]), (3, self.weights[3])):
            codes[:, column::4].clamp_(min=-self.bbox_xform_clip * weight)
        return super().decode_single(codes, boxes)


class Pooler(MultiScaleRoIAlign):
    """RoIAlign with pixel centres where the model was trained with them, at fixed strides."""

    def __init__(self, spec: dict[str, Any]) -> None:
        super().__init__(list(LEVELS), spec["size"], spec["sampling_ratio"])
        self.aligned, self.finest, self.strides = (
            spec[key] for key in ("aligned", "finest_scale", "strides")
        )

    def forward(
        self, x: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]
    ) -> Tensor:
        """Return the features (R, C, h, w) of the boxes of all pictures."""
        features = [x[name] for name in LEVELS]
        numbers = [torch.full_like(b[:, :1], number) for number, b in enumerate(boxes)]
        rois = torch.cat([torch.cat(numbers), torch.cat(boxes)], dim=1)
        size = ((rois[:, 3] - rois[:, 1]) * (rois[:, 4] - rois[:, 2])).sqrt()
        levels = torch.floor(torch.log2(size / self.finest + 1e-6)).clamp(0, len(LEVELS) - 1)
        out = features[0].new_zeros(len(rois), features[0].shape[1], *self.output_size)
        for level, (feature, stride) in enumerate(zip(features, self.strides, strict=True)):
            chosen = torch.where(levels == level)[0]
            out[chosen] = roi_align(
                feature, rois[chosen], self.output_size, 1 / stride, self.sampling_ratio,
                self.aligned,
            ).to(out.dtype)  # fmt: skip
        return out


class Resizer(GeneralizedRCNNTransform):
    """Sizes pictures as OpenCV does: sides rounded to the nearest, pixels in whole numbers."""

    def normalize(self, image: Tensor) -> Tensor:
        """Return the picture as it is: sizing comes first here."""
        return image

    def resize(
        self, image: Tensor, target: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, dict[str, Tensor] | None]:
        """Return the picture (3, h, w), sized and normalised, and its boxes on it."""
        old = list(image.shape[-2:])
        new = self._new_size(*old)
        if new != old:
            image = resized(image, new)
        if target is not None:
            target["boxes"] = resize_boxes(target["boxes"], old, new)
        return super().normalize(image), target

    def _new_size(self, height: int, width: int) -> list[int]:
        if self.fixed_size is not None:
            return [self.fixed_size[1], self.fixed_size[0]]
        short, long = min(height, width), max(height, width)
        scale = min(self.min_size[-1] / short, self.max_size / long)
        return [int(height * scale + 0.5), int(width * scale + 0.5)]


def resized(image: Tensor, size: list[int]) -> Tensor:
    """Return a picture (3, h, w) in 0..1, interpolated in whole numbers as OpenCV does bytes.

    Weights are multiples of 1/2048 (INTER_RESIZE_COEF_BITS in
    https://github.com/opencv/opencv/blob/4.x/modules/imgproc/src/resize.cpp, 2026-11-25).
    """
    pixels = (image * 255).round().long()
    top, bottom, *shares = _neighbours(image.shape[1], size[0], image.device)
    left, right, one, other = _neighbours(image.shape[2], size[1], image.device)
    lines = (pixels[:, :, left] * one + pixels[:, :, right] * other) >> 4
    upper, lower = (
        (lines[:, rows] * share[:, None]) >> 16
        for rows, share in zip((top, bottom), shares, strict=True)
    )
    return ((upper + lower + 2) >> 2).to(image.dtype) / 255


def _neighbours(old: int, new: int, device: torch.device) -> list[Tensor]:
    """Return the pixels before and after each new one along an axis, and their weights · 2048."""
    place = ((torch.arange(new, dtype=torch.float64) + 0.5) * (old / new) - 0.5).float()
    before = place.floor()
    share = torch.where((before < 0) | (before >= old - 1), 0, place - before)
    before = before.clamp(0, old - 1).long()
    after = (before + 1).clamp(max=old - 1)
    weights = [(part * 2048).round().long() for part in (1 - share, share)]
    return [part.to(device) for part in (before, after, *weights)]


def build(spec: dict[str, Any]) -> FasterRCNN:
    """Return the network that a file's ``spec`` describes, with random weights, for detection."""
    channels, pooling = spec["backbone"]["channels"], spec["pooling"]
    anchors = _anchors(spec["anchors"])
    pool = Pooler(pooling) if "finest_scale" in pooling else MultiScaleRoIAlign(
        list(LEVELS), pooling["size"], pooling["sampling_ratio"]
    )  # fmt: skip
    number = anchors.num_anchors_per_location()[0]
    model = FasterRCNN(
        _backbone(spec["backbone"]),
        rpn_anchor_generator=anchors,
        rpn_head=RPNHead(channels, number, spec["rpn"]["convs"]),
        box_roi_pool=pool,
        box_head=_box_head(spec["head"], channels, pooling["size"]),
        box_predictor=FastRCNNPredictor(spec["head"]["fcs"][-1], spec["head"]["classes"] + 1),
        bbox_reg_weights=tuple(spec["head"]["box_weights"]),
        **spec["limits"],
        **spec["picture"]["sizes"],
        image_mean=spec["picture"]["mean"],
        image_std=spec["picture"]["std"],
    )
    _adapt(model, spec)
    return model.eval()


def load(path: str | Path, device: str = "cpu") -> tuple[FasterRCNN, list[str]]:
    """Return the model of an exported file and its class names; label 1 is the first.

    Raises:
        ValueError: the file is none that fishdet exported.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError):
        content = None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"{path}: no file that 'tools/models.py convert' wrote for torchvision")
    spec = json.loads(content["spec"])
    model = build(spec)
    model.load_state_dict(content["state_dict"])
    return model.to(device), list(spec["classes"])


def read_picture(path: str | Path) -> Tensor:
    """Return a picture as torchvision's detectors take it: RGB, float 0..1, (3, H, W)."""
    with Image.open(path) as file:
        return to_tensor(ImageOps.exif_transpose(file).convert("RGB"))


def _backbone(spec: dict[str, Any]) -> BackboneWithFPN:
    body = get_model(
        f"resnet{spec['depth']}", weights=None,
        norm_layer=partial(nn.BatchNorm2d, eps=spec["bn_eps"]),
    )  # fmt: skip
    widest = body.fc.in_features
    return BackboneWithFPN(
        body,
        {f"layer{level + 1}": name for level, name in enumerate(LEVELS)},
        [widest // 8, widest // 4, widest // 2, widest],
        spec["channels"],
        LastLevelMaxPool(),
        partial(nn.BatchNorm2d, eps=spec["fpn_norm_eps"]) if spec["fpn_norm_eps"] else None,
    )


def _anchors(spec: dict[str, Any]) -> AnchorGenerator:
    if "cells" in spec:
        return FixedAnchors(spec["cells"], spec["strides"])
    return AnchorGenerator(
        tuple(tuple(s) for s in spec["sizes"]), (tuple(spec["ratios"]),) * len(spec["sizes"])
    )


def _box_head(spec: dict[str, Any], channels: int, size: int) -> nn.Module:
    if not spec["convs"]:
        return TwoMLPHead(channels * size**2, spec["fcs"][0])
    norm = partial(nn.BatchNorm2d, eps=spec["norm_eps"]) if spec["norm_eps"] else None
    return FastRCNNConvFCHead((channels, size, size), spec["convs"], spec["fcs"], norm)


def _adapt(model: FasterRCNN, spec: dict[str, Any]) -> None:
    model.rpn.min_size = spec["rpn"]["min_size"]
    if spec["bounded_deltas"]:
        model.rpn.box_coder = BoundedCoder(model.rpn.box_coder.weights)
        model.roi_heads.box_coder = BoundedCoder(model.roi_heads.box_coder.weights)
    if spec["picture"]["whole_pixels"]:
        old = model.transform
        model.transform = Resizer(
            old.min_size, old.max_size, old.image_mean, old.image_std, old.size_divisible,
            old.fixed_size,
        )  # fmt: skip


def main() -> None:
    """Print what the model of a file finds on pictures."""
    parser = argparse.ArgumentParser(description="detect with a file that fishdet exported")
    parser.add_argument("model", type=Path)
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--score-thr", type=float, default=0.3)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    try:
        for line in lines(options.model, options.pictures, options.score_thr, options.device):
            print(json.dumps(line, ensure_ascii=False), flush=True)
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")


def lines(
    path: Path, pictures: Sequence[Path], score_thr: float, device: str
) -> Iterator[dict[str, Any]]:
    """Yield what the model of a file finds on each picture, best first."""
    model, classes = load(path, device)
    for picture in pictures:
        with torch.inference_mode():
            found = model([read_picture(picture).to(device)])[0]
        columns = (found[key].tolist() for key in ("boxes", "labels", "scores"))
        detections = [
            {"class": classes[label - 1], "score": score, "bbox": box}
            for box, label, score in zip(*columns, strict=True)
            if score >= score_thr
        ]
        yield {"picture": str(picture), "detections": detections}


if __name__ == "__main__":
    main()
