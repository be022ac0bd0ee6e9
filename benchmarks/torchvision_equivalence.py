"""How far torchvision's Faster R-CNN and MMDetection's are apart on the same random weights.

Both ways: torchvision's v1 and v2 with its weights converted to mmdet, and the shipped config of
ResNet-50 converted to torchvision. Largest differences by stage: of the network's input in
deviations, of proposals and boxes in pixels, of class scores and scores of one.

    python benchmarks/torchvision_equivalence.py PICTURE … [--double] [--scale 1333 800]

In float64 the two agree to rounding. In float32 two proposals of nearly the same score may change
places or decide an NMS otherwise; they count as such ("other") and not as a difference. The first
lines tell what that rounding is: torchvision's model against itself, its weights laid out as
channels_last, which changes the order of its sums and nothing else.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmdet.registry import MODELS
from mmdet.utils import register_all_modules
from mmengine.config import Config
from torch import Tensor, nn
from torchvision.models import get_model

from fishdet.checkpoint.torchvision import (
    standalone,
    to_mmdet_state,
    to_torchvision_state,
    torchvision_config,
)
from fishdet.checkpoint.torchvision.comparison import mmdet_stages, torchvision_stages
from fishdet.checkpoint.torchvision.spec import torchvision_spec
from fishdet.config import load_config, set_num_classes
from fishdet.inference.build import build_network
from fishdet.inference.inputs import read_image

CLASSES, NEAR = 7, 0.01
CONFIG = Path(__file__).parent.parent / "configs/faster_rcnn/faster-rcnn_r50_fpn_1x_fish.py"
HEADS = {
    **dict.fromkeys(("cls_logits", "rpn_cls"), 0.05),
    **dict.fromkeys(("rpn.head.bbox_pred", "rpn_reg"), 0.02),
    **dict.fromkeys(("cls_score", "fc_cls", "box_predictor.bbox_pred", "fc_reg"), 0.3),
}
Models = tuple[nn.Module, Config, nn.Module]


def from_torchvision(version: str, scale: tuple[int, int]) -> Models:
    """torchvision's model with random weights, and mmdet's with them."""
    name = "fasterrcnn_resnet50_fpn" + ("_v2" if version == "v2" else "")
    sizes = {"min_size": min(scale), "max_size": max(scale), "num_classes": CLASSES + 1}
    theirs = get_model(name, weights=None, weights_backbone=None, **sizes)
    randomise(theirs)
    cfg = Config(torchvision_config(version, CLASSES, img_scale=scale))
    return theirs.eval(), cfg, build_network(cfg, to_mmdet_state(theirs.state_dict()), "cpu")


def to_torchvision(_: str, scale: tuple[int, int]) -> Models:
    """mmdet's model of the shipped config with random weights, and torchvision's with them."""
    cfg = load_config(CONFIG)
    cfg.model.backbone.init_cfg = None
    set_num_classes(cfg, CLASSES)
    pipeline = cfg.test_dataloader.dataset.pipeline
    next(step for step in pipeline if step["type"] == "Resize")["scale"] = scale
    ours = MODELS.build(cfg.model)
    randomise(ours)
    theirs = standalone.build(torchvision_spec(ours, pipeline))
    theirs.load_state_dict(to_torchvision_state(ours.state_dict()))
    return theirs, cfg, ours.eval()


def itself(version: str, scale: tuple[int, int]) -> tuple[nn.Module, nn.Module]:
    """torchvision's model with random weights, twice: contiguous and channels_last."""
    theirs, *_ = from_torchvision(version, scale)
    return theirs, copy.deepcopy(theirs).to(memory_format=torch.channels_last)


def randomise(model: Any) -> None:
    """Give batch norms statistics, and heads scores that spread."""
    with torch.no_grad():
        for name, part in model.named_modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean = torch.randn(part.num_features) / 10
                part.running_var = torch.rand(part.num_features) * 1.5 + 0.5
                part.weight.uniform_(0.5, 1.2)
            for end, deviation in HEADS.items():
                if name.endswith(end):
                    part.weight.normal_(0, deviation)


def line(one: dict[str, Tensor], other: dict[str, Tensor]) -> str:
    """Return the differences of a picture."""
    pieces = [f"input {(one['input'] - other['input']).abs().max():.1e}"]
    gap, match = torch.cdist(one["proposals"], other["proposals"], p=float("inf")).min(dim=1)
    near = gap < NEAR
    scores = (one["class_scores"] - other["class_scores"][match])[near].abs().max()
    pieces.append(f"proposals {gap[near].max():.1e} ({(~near).sum()} of {len(gap)} other)")
    pieces.append(f"class scores {scores:.1e}")
    ours, theirs = (
        torch.cat([s["boxes"], s["labels"][:, None] * 1e4], dim=1) for s in (one, other)
    )
    gap, match = torch.cdist(ours, theirs, p=float("inf")).min(dim=1)
    near = gap < NEAR
    scores = (one["scores"] - other["scores"][match])[near].abs().max()
    pieces.append(f"boxes {gap[near].max():.1e} ({(~near).sum()} of {len(gap)} other)")
    return ", ".join([*pieces, f"scores {scores:.1e}"])


def sized(image: np.ndarray, scale: tuple[int, int]) -> np.ndarray:
    """Return a picture of the network's size: OpenCV's own sizing rounds to whole values."""
    height, width = image.shape[:2]
    factor = min(max(scale) / max(height, width), min(scale) / min(height, width))
    return cv2.resize(image, (round(width * factor), round(height * factor)))


def tell(way: str, version: str, image: np.ndarray, *stages: dict[str, Tensor]) -> None:
    """Print the differences of a picture."""
    print(f"{way} {version} {image.shape[1]}x{image.shape[0]}: {line(*stages)}", flush=True)


def main() -> None:
    """Print a line for each model and picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--double", action="store_true", help="float64")
    parser.add_argument("--scale", type=int, nargs=2, default=(1333, 800))
    options = parser.parse_args()
    register_all_modules(init_default_scope=True)
    images = [read_image(name) for name in options.pictures]
    scale, dtype = tuple(options.scale), torch.float64 if options.double else torch.float32
    for version in ("v1", "v2"):
        torch.manual_seed(0)
        one, other = (model.to(dtype) for model in itself(version, scale))
        for image in images:
            tell(
                "itself",
                version,
                image,
                torchvision_stages(one, image),
                torchvision_stages(other, image),
            )
    for make, version in ((from_torchvision, "v1"), (from_torchvision, "v2"), (to_torchvision, "")):
        torch.manual_seed(0)
        theirs, cfg, ours = make(version, scale)
        theirs, ours = theirs.to(dtype), ours.to(dtype)
        for image in images:
            if make is to_torchvision:
                image = sized(image, scale)
            tell(
                make.__name__,
                version,
                image,
                mmdet_stages(cfg, ours, image),
                torchvision_stages(theirs, image),
            )


if __name__ == "__main__":
    main()
