"""Weights held as a CPU reads them: cast once, not in each pass, and in the order of maps."""

from __future__ import annotations

import functools
from typing import Any

import torch
import torch.nn.functional as F
from mmdet.models.roi_heads.bbox_heads import BBoxHead, ConvFCBBoxHead
from timm.layers import Conv2dSame
from timm.layers.conv2d_same import conv2d_same
from torch import Tensor, nn

from tvops.linear import OneDnnLinear

# Those that hand their weights on as they are; others may compute with them first.
LAYERS = (nn.Conv2d, Conv2dSame, nn.Linear, OneDnnLinear)


def hold_weights(model: Any, dtype: torch.dtype) -> None:
    """Arrange the weights of a detector on the CPU that is no longer trained, in place.

    - Autocast casts the weights of convolutions and linear layers anew in each pass; here it finds
      them cast, to the same numbers. Without autocast, as traces run it, the network computes with
      its own.
    - RoI features lie in memory pixel by pixel. A box head flattens them channel by channel, which
      is a copy; with the columns of its first layer in the other order it needs none.

    Args:
        model: an mmdet detector in evaluation mode.
        dtype: what it runs in under autocast; float32 for none.
    """
    heads = [module for module in model.modules() if isinstance(module, BBoxHead)]
    for head in heads:
        if _flattens(head):
            _read_by_pixel(head)
    if dtype != torch.float32:
        for layer in model.modules():
            if type(layer) in LAYERS:
                _cast(layer, dtype)


def _cast(layer: Any, dtype: torch.dtype) -> None:
    layer.cast = tuple(
        value if value is None else value.detach().to(dtype) for value in (layer.weight, layer.bias)
    )
    kind: Any = type(layer)
    layer.__class__ = _with_cast(kind)


@functools.cache
def _with_cast(base: Any) -> Any:
    def forward(self: Any, x: Tensor) -> Any:
        if not torch.is_autocast_enabled("cpu"):
            return base.forward(self, x)
        weight, bias = self.cast
        if isinstance(self, nn.Linear):
            return F.linear(x, weight, bias)
        if isinstance(self, Conv2dSame):
            sizes = (self.stride, self.padding, self.dilation, self.groups)
            return conv2d_same(x, weight, bias, *sizes)
        return nn.Conv2d._conv_forward(self, x, weight, bias)

    return type(base.__name__, (base,), {"forward": forward})


def _flattens(head: Any) -> bool:
    """Whether a head's forward pass begins with a flattening of maps."""
    return (
        isinstance(head, ConvFCBBoxHead)
        and type(head).forward is ConvFCBBoxHead.forward
        and head.num_shared_convs == 0
        and head.num_shared_fcs > 0
        and not head.with_avg_pool
        and type(head.shared_fcs[0]) in LAYERS
        and head.shared_fcs[0].in_features == head.in_channels * head.roi_feat_area
    )


def _read_by_pixel(head: Any) -> None:
    first = head.shared_fcs[0]
    sizes = (first.out_features, head.in_channels, head.roi_feat_area)
    weight = first.weight.detach().view(sizes).transpose(1, 2).flatten(1)
    first.weight = nn.Parameter(weight, requires_grad=False)
    kind: Any = type(head)
    head.__class__ = _by_pixel(kind)


@functools.cache
def _by_pixel(base: Any) -> Any:
    def forward(self: Any, x: Tensor) -> Any:
        return base.forward(self, x.permute(0, 2, 3, 1))

    return type(base.__name__, (base,), {"forward": forward})
