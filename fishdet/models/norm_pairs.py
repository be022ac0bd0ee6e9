"""Which BatchNorm follows which convolution, and the proof that it does.

The pairs are guessed from the order in which modules were registered, as in mmcv's
``fuse_conv_bn``, and then proved: a network whose pairs are joined must answer a picture of noise
as before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm  # SyncBatchNorm reverted is no BatchNorm2d

PARTS = ("backbone", "neck", "rpn_head", "bbox_head")
"""The dense parts of a detector, which see whole pictures."""
PROOF_SIZE = 128  # pixels
TOLERANCE = 1e-3  # of the largest number of each map


def dense_parts(model: Any) -> dict[str, nn.Module]:
    """Return those of ``PARTS`` that a detector in float32 has; none of another's, nor of one
    without a backbone."""
    parts = {name: getattr(model, name, None) for name in PARTS}
    whole = {name: part for name, part in parts.items() if isinstance(part, nn.Module)}
    known = "backbone" in whole and next(model.parameters()).dtype == torch.float32
    return whole if known else {}


def joined(
    weight: Tensor, bias: Tensor | None, norm: Any, dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor]:
    """Return weight (K, C / groups, H, W) and bias (K,) of a convolution and a norm with fixed
    statistics as one, computed in ``dtype``; differentiable."""
    scale = torch.rsqrt(norm.running_var.to(dtype) + norm.eps)
    if norm.affine:
        scale = scale * norm.weight.to(dtype)
    mean = norm.running_mean.to(dtype)
    shift = -(mean if bias is None else mean - bias.to(dtype)) * scale
    if norm.affine:
        shift = shift + norm.bias.to(dtype)
    return weight.to(dtype) * scale[:, None, None, None], shift


def pairs(module: nn.Module) -> Iterator[tuple[Any, Any]]:
    """Yield each convolution below ``module`` that a fitting norm follows, and that norm."""
    for parent, conv, norm in named_pairs(module):
        yield parent._modules[conv], parent._modules[norm]


def named_pairs(module: nn.Module) -> Iterator[tuple[nn.Module, str, str]]:
    """Yield the same as the module that holds both and their names in it.

    A caller may replace both before it asks for the next pair.
    """
    before = None
    for name, child in list(module.named_children()):
        if before is not None and _fits(module._modules[before], child):
            yield module, before, name
            before = None
        elif isinstance(child, nn.Conv2d):
            before = name
        else:
            before = None if isinstance(child, _BatchNorm) else before
            yield from named_pairs(child)


def rest(norm: Any) -> nn.Module:
    """What a norm does beside normalising: timm's have an activation in them."""
    parts = [part for part in (getattr(norm, name, None) for name in ("drop", "act")) if part]
    return nn.Sequential(*parts) if parts else nn.Identity()


def _fits(conv: Any, norm: nn.Module) -> bool:
    return (
        isinstance(norm, _BatchNorm)
        and norm.running_mean is not None
        and norm.num_features == conv.out_channels
    )


@torch.no_grad()
def answers(parts: dict[str, Any]) -> list[Tensor]:
    """What the parts make of a picture of noise: all maps of all of them."""
    parameter = next(parts["backbone"].parameters())
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(1, 3, PROOF_SIZE, PROOF_SIZE, generator=generator).to(parameter.device)
    found = parts["backbone"](noise)
    maps = list(found)
    if "neck" in parts:
        found = parts["neck"](found)
        maps += found
    for name in ("rpn_head", "bbox_head"):
        if name in parts:
            maps += [level for kind in parts[name](found) if kind is not None for level in kind]
    return maps


def alike(one: list[Tensor], other: list[Tensor]) -> bool:
    """Whether two networks' answers differ by at most ``TOLERANCE``."""
    return len(one) == len(other) and all(
        bool((a - b).abs().max() <= TOLERANCE * max(float(a.abs().max()), 1e-6))
        for a, b in zip(one, other, strict=True)
    )
