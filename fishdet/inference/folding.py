"""BatchNorm folded into the convolution before it: the same function in fewer passes over memory.

With its statistics fixed, y = (conv(x) - mean) / sqrt(var + eps) * weight + bias is a convolution
with other weights. Which norm follows which convolution is guessed from the order in which modules
were registered, as in mmcv's ``fuse_conv_bn``, and then proved: a network that answers otherwise
on a picture of noise stays as it was.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm  # SyncBatchNorm reverted is no BatchNorm2d

PARTS = ("backbone", "neck", "rpn_head", "bbox_head")
"""The dense parts of a detector, which see whole pictures."""
PROOF_SIZE = 128  # pixels
TOLERANCE = 1e-3  # of the largest number of each map


def fold_batch_norms(model: Any) -> int:
    """Fold what can be folded in the dense parts of an mmdet detector in evaluation mode.

    Args:
        model: changed in place, in float32; the parts are replaced by folded copies.

    Returns:
        How many norms are gone; 0 where there are none, or where the folded network would answer
        otherwise by more than ``TOLERANCE``.
    """
    parts = {name: getattr(model, name, None) for name in PARTS}
    whole = {name: part for name, part in parts.items() if isinstance(part, nn.Module)}
    if "backbone" not in whole or next(model.parameters()).dtype != torch.float32:
        return 0
    folded = {name: copy.deepcopy(part) for name, part in whole.items()}
    count = sum(_fold(part) for part in folded.values())
    if count == 0:
        return 0
    try:
        same = _alike(_answers(whole), _answers(folded))
    except (RuntimeError, TypeError, ValueError, AttributeError, AssertionError):
        return 0  # a part that takes more than maps, such as a transformer's
    if not same:
        return 0
    for name, part in folded.items():
        setattr(model, name, part)
    return count


def _fold(module: nn.Module) -> int:
    """Fold below ``module`` and return how many norms are gone."""
    count, before = 0, None
    for name, child in list(module.named_children()):
        if before is not None and _fits(module._modules[before], child):
            module._modules[before] = _folded(module._modules[before], child)
            module._modules[name] = _rest(child)
            count, before = count + 1, None
        elif isinstance(child, nn.Conv2d):
            before = name
        else:
            before = None if isinstance(child, _BatchNorm) else before
            count += _fold(child)
    return count


def _fits(conv: Any, norm: nn.Module) -> bool:
    return (
        isinstance(norm, _BatchNorm)
        and not norm.training
        and norm.running_mean is not None
        and norm.num_features == conv.out_channels
    )


def _folded(conv: Any, norm: Any) -> nn.Module:
    """Return a copy of the convolution, since several norms may share it (RTMDet's heads)."""
    new = copy.copy(conv)
    new._parameters = dict(conv._parameters)
    with torch.no_grad():
        scale = (norm.running_var.double() + norm.eps).rsqrt()
        shift = -norm.running_mean.double() * scale
        if norm.affine:
            scale = scale * norm.weight.double()
            shift = shift * norm.weight.double() + norm.bias.double()
        weight = conv.weight.double() * scale[:, None, None, None]
        bias = shift if conv.bias is None else conv.bias.double() * scale + shift
    layout = {"memory_format": torch.channels_last} if weight.dim() == 4 else {}
    new.weight = nn.Parameter(weight.to(conv.weight.dtype).to(**layout), requires_grad=False)
    new.bias = nn.Parameter(bias.to(conv.weight.dtype), requires_grad=False)
    return new


def _rest(norm: Any) -> nn.Module:
    """What a norm did beside normalising: timm's have an activation in them."""
    rest = [part for part in (getattr(norm, name, None) for name in ("drop", "act")) if part]
    return nn.Sequential(*rest) if rest else nn.Identity()


@torch.inference_mode()
def _answers(parts: dict[str, Any]) -> list[Tensor]:
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


def _alike(one: list[Tensor], other: list[Tensor]) -> bool:
    return len(one) == len(other) and all(
        bool((a - b).abs().max() <= TOLERANCE * max(float(a.abs().max()), 1e-6))
        for a, b in zip(one, other, strict=True)
    )
