"""ResNet's blocks with sums and ReLUs within their convolutions, once BatchNorm is folded away."""

from __future__ import annotations

import functools
from typing import Any

import torch
from mmdet.models.backbones.resnet import BasicBlock, Bottleneck
from torch import Tensor, nn

from tvops.packed import then

CONVOLUTIONS: dict[Any, tuple[str, ...]] = {
    BasicBlock: ("conv1", "conv2"),
    Bottleneck: ("conv1", "conv2", "conv3"),
}


def join_residuals(model: nn.Module) -> int:
    """Let mmdet's residual blocks make fewer passes over memory in prediction, in place.

    A block's output is written over by the next one: a forward hook that keeps it has to copy it.
    The outputs of stages stay.

    Args:
        model: a detector whose layers are held (:mod:`fishdet.inference.held`). Blocks with norms
            or plugins that are not gone stay as they are.

    Returns:
        How many blocks do.
    """
    count = 0
    for stage in model.modules():
        if not isinstance(stage, nn.Sequential):
            continue
        block: Any
        for index, block in enumerate(stage):
            if type(block) in CONVOLUTIONS and _is_bare(block):
                kind: Any = type(block)
                # what comes in is nobody else's: the block before made it, or the shortcut does
                block.owns_shortcut = index > 0 or block.downsample is not None
                block.__class__ = _joined(kind)
                count += 1
    return count


def _is_bare(block: Any) -> bool:
    norms = (getattr(block, f"norm{i + 1}") for i in range(len(CONVOLUTIONS[type(block)])))
    return (
        all(type(norm) is nn.Identity for norm in norms)
        and not getattr(block, "with_plugins", False)
        and type(block.relu) is nn.ReLU
    )


@functools.cache
def _joined(base: Any) -> Any:
    def forward(self: Any, x: Tensor) -> Any:
        if torch.is_grad_enabled():
            return base.forward(self, x)
        *before, last = (getattr(self, name) for name in CONVOLUTIONS[base])
        out = x
        for layer in before:
            out = _run(layer, out)
        shortcut = x if self.downsample is None else self.downsample(x)
        if self.owns_shortcut:
            return _run(last, out, shortcut)
        return then(last(out), shortcut, relu=True)

    return type(base.__name__, (base,), {"forward": forward})


def _run(layer: Any, x: Tensor, add: Tensor | None = None) -> Any:
    if hasattr(layer, "packing"):
        return layer(x, add=add, relu=True)
    return then(layer(x), add, relu=True)
