"""BatchNorm folded into the convolution before it: the same function in fewer passes over memory.

With its statistics fixed, y = (conv(x) - mean) / sqrt(var + eps) * weight + bias is a convolution
with other weights. :mod:`fishdet.models.norm_pairs` guesses which norm follows which convolution;
a network that answers otherwise on a picture of noise stays as it was.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from fishdet.models.frozen_norms import is_joined
from fishdet.models.norm_pairs import alike, answers, dense_parts, joined, named_pairs, rest


def fold_batch_norms(model: Any) -> int:
    """Fold what can be folded in the dense parts of an mmdet detector in evaluation mode.

    Args:
        model: changed in place, in float32; the parts are replaced by folded copies.

    Returns:
        How many norms are gone; 0 where there are none, or where the folded network would answer
        otherwise.
    """
    whole = dense_parts(model)
    folded = {name: copy.deepcopy(part) for name, part in whole.items()}
    count = sum(_fold(part) for part in folded.values())
    if count == 0:
        return 0
    try:
        same = alike(answers(whole), answers(folded))
    except (RuntimeError, TypeError, ValueError, AttributeError, AssertionError):
        return 0  # a part that takes more than maps, such as a transformer's
    if not same:
        return 0
    for name, part in folded.items():
        setattr(model, name, part)
    return count


def _fold(module: nn.Module) -> int:
    """Fold below ``module`` and return how many norms are gone."""
    count = 0
    for parent, conv_name, norm_name in named_pairs(module):
        conv: Any = parent._modules[conv_name]
        norm: Any = parent._modules[norm_name]
        if not norm.training and not is_joined(conv):
            parent._modules[conv_name] = _folded(conv, norm)
            parent._modules[norm_name] = rest(norm)
            count += 1
    return count


def _folded(conv: Any, norm: Any) -> nn.Module:
    """Return a copy of the convolution, since several norms may share it (RTMDet's heads)."""
    new = copy.copy(conv)
    new._parameters = dict(conv._parameters)
    with torch.no_grad():
        weight, bias = joined(conv.weight, conv.bias, norm, torch.float64)
    weight = weight.to(conv.weight.dtype, memory_format=torch.channels_last)
    new.weight = nn.Parameter(weight, requires_grad=False)
    new.bias = nn.Parameter(bias.to(conv.weight.dtype), requires_grad=False)
    return new
