"""Depthwise convolutions in bf16, forward and backward: PyTorch's own and ours, in turn.

    OMP_NUM_THREADS=2 python benchmarks/depthwise.py [--size 512x512] [--batch 4]

EfficientNet-Lite0 with stem and first stage frozen and BatchNorm fixed, as the recipes train it:
the same network once as PyTorch runs it in channels_last and once with ``tvops.depthwise``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import torch
from prediction import size_of
from side_by_side import add_common, in_turn, machine, machine_line, record
from torch import nn

from fishdet.allocator import keep_freed_memory
from fishdet.models.arrangement import arrange_model
from fishdet.models.timm_backbone import TimmBackbone


def main() -> None:
    """Run both and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_common(parser)
    parser.add_argument("--size", type=size_of, default=(512, 512))
    parser.add_argument("--batch", type=int, default=4)
    args = parser.parse_args()
    if args.quick:
        args.size, args.batch, args.repeats = (128, 128), 1, 2
    print(machine_line(machine()))
    keep_freed_memory()
    pictures = torch.randn(args.batch, 3, *args.size)
    with patch("fishdet.models.arrangement.is_depthwise", lambda _: False):
        plain = step(pictures, bf16=True)
    made = {
        "PyTorch, bf16": plain,
        "fishdet, bf16": step(pictures, bf16=True),
        "fishdet, fp32": step(pictures, bf16=False),
    }
    size = f"{args.size[0]}×{args.size[1]}, batch {args.batch}"
    record(args.json, in_turn(made, size, args.repeats))


def step(pictures: torch.Tensor, bf16: bool) -> Callable[[], Any]:
    """Return a forward and backward pass of a backbone of its own."""
    model = nn.Module()
    model.backbone = TimmBackbone(
        "tf_efficientnet_lite0", (2, 3, 4), frozen_stages=1, norm_eval=True
    )
    arrange_model(model, training=True)
    model.train()

    def run() -> None:
        model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            maps = model.backbone(pictures)
        sum(level.float().square().mean() for level in maps).backward()

    return run


if __name__ == "__main__":
    main()
