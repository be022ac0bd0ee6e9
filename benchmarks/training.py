"""A training step side by side: torchvision, stock MMDetection, this project.

    OMP_NUM_THREADS=2 python benchmarks/training.py [--sizes 320x320 480x640] [--batch 2]

Faster R-CNN R50-FPN, 20 classes, all layers trained (with ``--finetune`` stem and first stage
frozen and BatchNorm fixed, as each library has it for pretrained weights), SGD with momentum, the
same pictures with eight boxes each: forward, backward and the optimiser's step, without loading.
The first contender, against which all ratios are, is torchvision's detector in fp32. It and stock
MMDetection step with torch's SGD as it comes, torchvision in bf16 with the fused one. Of stock
MMDetection RoIAlign is torchvision's compiled kernel; mmcv's other operators are the stand-in.
"""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Callable
from typing import Any

import torch
from contenders import (
    ours_config,
    picture,
    stock_batch,
    stock_model,
    torchvision_batch,
    torchvision_model,
)  # fmt: skip
from mmdet.registry import MODELS
from mmengine.structures import InstanceData
from prediction import AS_USERS, CLASSES, Named, size_of
from side_by_side import (
    Apart,
    Row,
    add_common,
    chosen,
    in_turn,
    machine,
    machine_line,
    randomise,
    record,
)  # fmt: skip

from fishdet.cli import exit_status
from fishdet.models import DenseSGD
from fishdet.models.arrangement import arrange_model
from fishdet.precision import cpu_has_bf16

BOXES = 8
WARM_UP = 3  # rounds, of two steps each, in which heaps grow; a training goes on for thousands


def main() -> None:
    """Run every size and print the ratios."""
    args = parse_args()
    print(machine_line(machine()))
    rows: list[Row] = []
    for height, width in args.sizes:
        made = contenders(args, (height, width))
        size = f"{height}×{width}, batch {args.batch}"
        rows += in_turn(made, size, args.repeats, warm_up=1 if args.quick else WARM_UP)
        record(args.json, rows)


def parse_args() -> argparse.Namespace:
    """Parse the sizes and which contenders run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_common(parser)
    parser.add_argument("--sizes", nargs="+", type=size_of, default=[(320, 320), (480, 640)])
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--finetune", action="store_true", help="frozen and fixed as pretrained")
    parser.add_argument("--bf16", action="store_true", help="also where the CPU has no bf16")
    args = parser.parse_args()
    if args.quick:
        args.sizes, args.repeats = [(128, 128)], 2
    return args


def contenders(args: argparse.Namespace, size: tuple[int, int]) -> dict[str, Callable[[], Any]]:
    """Build all of them on the same weights, each in a process of its own."""
    return {name: apart(args, size, name) for name in chosen(_named(args, size), args.only)}


def apart(args: argparse.Namespace, size: tuple[int, int], name: str) -> Apart:
    """Build one in a process of its own."""
    return Apart(alone, args, size, name, keeps_memory=name not in AS_USERS)


def alone(args: argparse.Namespace, size: tuple[int, int], name: str) -> Callable[[], Any]:
    """Build one."""
    return _named(args, size)[name]()


def _named(args: argparse.Namespace, size: tuple[int, int]) -> Named:
    pictures = [picture(*size, seed) for seed in range(args.batch)]
    boxes, labels = targets(size, args.batch)
    bf16 = cpu_has_bf16() or args.bf16

    def stock() -> Any:
        return stock_model(CLASSES, 1000, train=True, finetune=args.finetune)

    def theirs(half: bool) -> Callable[[], Any]:
        model = torchvision_model(stock(), CLASSES, size, 1000, args.finetune).train()
        images = torchvision_batch(pictures)
        if half:
            model = model.to(memory_format=torch.channels_last)
        wanted = [
            {"boxes": b, "labels": one + 1} for b, one in zip(boxes, labels, strict=True)
        ]  # torchvision's 0 is the background
        return step(model, lambda: model(images, wanted), half, torch.optim.SGD, fused=half)

    def mmdets(model: Any, half: bool, optimizer: Any = torch.optim.SGD) -> Callable[[], Any]:
        packed = stock_batch(pictures)
        for sample, own, names in zip(packed["data_samples"], boxes, labels, strict=True):
            sample.gt_instances = InstanceData(bboxes=own, labels=names)

        def losses() -> Any:
            data = model.data_preprocessor(copy.deepcopy(packed), True)
            found = model(**data, mode="loss")
            return {"sum": model.parse_losses(found)[0]}

        return step(model, losses, half, optimizer)

    def ours(half: bool, arranged: bool = True, **backbone: Any) -> Callable[[], Any]:
        cfg = ours_config(CLASSES, 1000, *size).model
        cfg.backbone.update(backbone)
        if not args.finetune:
            cfg.backbone.update(frozen_stages=-1, norm_eval=False)
        model = MODELS.build(cfg)
        randomise(model)
        model.load_state_dict(stock().state_dict())
        if arranged:
            arrange_model(model, training=True)
        else:
            model.to(memory_format=torch.channels_last)
        return mmdets(model.train(), half, DenseSGD)

    named: Named = {
        "torchvision, fp32": lambda: theirs(False),
        "stock MMDetection, fp32": lambda: mmdets(stock(), False),
        "fishdet, fp32": lambda: ours(False),
        "fishdet, fp32, layers as trained": lambda: ours(False, arranged=False),
        "fishdet, fp32, gradient checkpointing": lambda: ours(False, with_cp=True),
    }
    if bf16:
        named["torchvision, bf16, channels_last"] = lambda: theirs(True)
        named["fishdet, bf16"] = lambda: ours(True)
    return named


def step(
    model: Any, losses: Callable[[], Any], half: bool, kind: Any, **settings: Any
) -> Callable[[], Any]:
    """Return what trains one step; the learning rate moves nothing, so that all steps are alike."""
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = kind(weights, lr=0.0, momentum=0.9, weight_decay=1e-4, **settings)

    def run() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            loss = sum(losses().values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return run


def targets(size: tuple[int, int], batch: int) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Return boxes (8, 4) xyxy and labels (8,) a picture, sides a twelfth to a third of it."""
    generator = torch.Generator().manual_seed(0)
    whole = torch.tensor([size[1], size[0]], dtype=torch.float32)
    boxes, labels = [], []
    for _ in range(batch):
        sides = whole * (1 / 12 + torch.rand(BOXES, 2, generator=generator) / 4)
        corner = torch.rand(BOXES, 2, generator=generator) * (whole - sides)
        boxes.append(torch.cat([corner, corner + sides], 1))
        labels.append(torch.randint(0, CLASSES, (BOXES,), generator=generator))
    return boxes, labels


if __name__ == "__main__":
    sys.exit(exit_status(main))
