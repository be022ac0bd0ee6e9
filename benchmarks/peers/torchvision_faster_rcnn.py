"""torchvision's Faster R-CNN R50-FPN with torchvision's transforms; no code of ours but paths.

    python benchmarks/peers/torchvision_faster_rcnn.py DATA --out DIR --epochs 12 --seed 0

SGD as in torchvision's references/detection/train.py (0.02 for 16 pictures, momentum 0.9, weight
decay 1e-4: https://github.com/pytorch/vision/blob/main/references/detection/train.py, 2026-11-25);
steps at the same shares of the schedule as ours. Without ``--weights`` all layers are trained.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from shared import (
    OPTIMIZERS,
    chosen,
    coco_rows,
    finish,
    latency_ms,
    learning_rate,
    parse_args,
)
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import CocoDetection, wrap_dataset_for_transforms_v2
from torchvision.models.detection import FasterRCNN, fasterrcnn_resnet50_fpn
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops.misc import FrozenBatchNorm2d
from torchvision.transforms import v2

from fish_dataset.layout import find_splits


def load(data: Any, split: str, train: bool) -> CocoDetection:
    """Return torchvision's own data set of a split."""
    found = find_splits(data)[split]
    flip = [v2.RandomHorizontalFlip(0.5)] if train else []
    transform = v2.Compose([v2.ToImage(), *flip, v2.ToDtype(torch.float32, scale=True)])
    plain = CocoDetection(str(found.image_dir), str(found.ann_file), transforms=transform)
    return wrap_dataset_for_transforms_v2(plain, target_keys=("boxes", "labels", "image_id"))


def build(args: Any, classes: int) -> FasterRCNN:
    """Return the model: as torchvision builds it, ImageNet weights from a file if given."""
    sizes = {"min_size": min(args.img_scale), "max_size": max(args.img_scale)}
    if args.weights is None:
        return fasterrcnn_resnet50_fpn(
            weights=None, weights_backbone=None, num_classes=classes + 1, **sizes
        )
    backbone = resnet_fpn_backbone(
        backbone_name="resnet50", weights=None, norm_layer=FrozenBatchNorm2d, trainable_layers=3
    )
    state = torch.load(args.weights, weights_only=True)
    backbone.body.load_state_dict({k: v for k, v in state.items() if not k.startswith("fc.")})
    return FasterRCNN(backbone, classes + 1, **sizes)


def prepared(target: dict[str, Any], label_of: dict[int, int]) -> dict[str, torch.Tensor]:
    """Return the target of a picture with labels from 1; pictures without fish are negatives."""
    boxes = target.get("boxes", torch.zeros(0, 4)).reshape(-1, 4).float()
    labels = [label_of[int(kind)] for kind in target.get("labels", [])]
    kept = (boxes[:, 2:] > boxes[:, :2]).all(dim=1)
    return {"boxes": boxes[kept], "labels": torch.tensor(labels, dtype=torch.int64)[kept]}


def train(model: FasterRCNN, args: Any, label_of: dict[int, int], device: str) -> float:
    """Train and return the seconds that it took."""
    order = torch.Generator().manual_seed(args.seed)
    pictures = load(args.data, "train", True)
    loader = DataLoader(
        Subset(pictures, chosen(len(pictures), args.train_images)), args.batch, shuffle=True,
        generator=order,
        collate_fn=lambda batch: tuple(zip(*batch, strict=True)),
    )  # fmt: skip
    weights = [p for p in model.parameters() if p.requires_grad]
    settings = dict(OPTIMIZERS[args.optimizer])
    optimizer = getattr(torch.optim, settings.pop("type"))(weights, args.lr, **settings)
    began, iteration = time.perf_counter(), 0
    model.train()
    for epoch in range(args.epochs):
        for images, targets in loader:
            for group in optimizer.param_groups:
                group["lr"] = args.lr * learning_rate(iteration, len(loader), args.epochs)
            losses = model(
                [image.to(device) for image in images],
                [{k: v.to(device) for k, v in prepared(t, label_of).items()} for t in targets],
            )
            loss = sum(losses.values())
            if not torch.isfinite(loss):
                raise SystemExit(f"loss is {loss} at iteration {iteration}: lower --lr {args.lr}")
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            iteration += 1
        print(f"epoch {epoch + 1} of {args.epochs}: loss {loss.item():.3f}", flush=True)
    return time.perf_counter() - began


def main() -> None:
    """Train, detect on val, write COCO results."""
    args = parse_args(__doc__.splitlines()[0], lr={"sgd": 0.02, "adamw": 2e-3})
    torch.manual_seed(args.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    val = load(args.data, "val", False)
    kinds = sorted(val.coco.cats)
    model = build(args, len(kinds)).to(device)
    seconds = train(model, args, {kind: n for n, kind in enumerate(kinds, 1)}, device)
    model.eval()
    results: list[dict[str, Any]] = []
    images = []
    with torch.inference_mode():
        for image, target in val:
            (found,) = model([image.to(device)])
            found = {key: value.cpu().numpy() for key, value in found.items()}
            names = [kinds[label - 1] for label in found["labels"]]
            results += coco_rows(target["image_id"], found["boxes"], found["scores"], names)
            if len(images) < 20:
                images.append(image.to(device))
        speed = latency_ms(lambda image: model([image])[0]["boxes"].cpu(), images)
    finish(args, "torchvision-faster-rcnn-r50", results, {
        "parameters": sum(p.numel() for p in model.parameters()),
        "train_seconds": seconds,
        "latency_ms": speed,
        "torch": torch.__version__,
        "note": f"torchvision's model and transforms, {args.epochs} epochs, batch {args.batch}, "
                f"{args.optimizer} at {args.lr:g}, "
                f"{'ImageNet' if args.weights else 'random'} weights",
    })  # fmt: skip
    print(
        f"{len(results)} detections, mean score {np.mean([r['score'] for r in results] or [0]):.3f}"
    )


if __name__ == "__main__":
    main()
