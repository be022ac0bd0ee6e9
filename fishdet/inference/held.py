"""Weights held as a CPU reads them: cast or transformed once, not in each pass, in the order of
maps, and in blocks while pictures come in one size."""

from __future__ import annotations

import functools
from typing import Any

import torch
import torch.nn.functional as F
from mmdet.models.roi_heads.bbox_heads import BBoxHead, ConvFCBBoxHead
from timm.layers import Conv2dSame, pad_same
from torch import Tensor, nn

from tvops.linear import OneDnnLinear
from tvops.packed import Packing, packing_pays, then
from tvops.winograd import WinogradConv2d

from .residual import join_residuals

# Those that hand their weights on as they are; others may compute with them first.
LAYERS = (nn.Conv2d, Conv2dSame, WinogradConv2d, nn.Linear, OneDnnLinear)
LEVELS = 5  # of a pyramid, in mmdet's configs


def hold_weights(model: Any, dtype: torch.dtype) -> None:
    """Arrange the weights of a detector on the CPU that is no longer trained, in place.

    - Autocast casts the weights of convolutions and linear layers anew in each pass; here it finds
      them cast, to the same numbers. Without autocast, as traces run it, the network computes with
      its own.
    - RoI features lie in memory pixel by pixel. A box head flattens them channel by channel, which
      is a copy; with the columns of its first layer in the other order it needs none.
    - oneDNN reads weights in blocks; they are put so once (:mod:`tvops.packed`), in a head that
      serves several levels of a pyramid once for each. Sums and ReLUs of residual blocks run within
      its convolutions (:mod:`fishdet.inference.residual`).
    - Kernels for Winograd's algorithm are transformed once.

    Args:
        model: an mmdet detector in evaluation mode.
        dtype: what it runs in under autocast; float32 for none.
    """
    heads = [module for module in model.modules() if isinstance(module, BBoxHead)]
    for head in heads:
        if _flattens(head):
            _read_by_pixel(head)
    packs = packing_pays()
    shared = _serving_levels(model)
    for layer in model.modules():
        gains = packs or dtype != torch.float32 or type(layer) is WinogradConv2d
        if type(layer) in LAYERS and gains:
            sizes = LEVELS if layer in shared else 1
            _hold(layer, dtype, Packing(sizes) if packs else None)
    if packs:
        join_residuals(model)


def _serving_levels(model: Any) -> set[Any]:
    """The layers of heads that look at all levels of a pyramid, one after the other."""
    heads = [getattr(model, name, None) for name in ("rpn_head", "bbox_head")]
    return {layer for head in heads if head is not None for layer in head.modules()}


def _hold(layer: Any, dtype: torch.dtype, packing: Packing | None) -> None:
    layer.packing = packing
    if dtype != torch.float32:
        layer.cast = tuple(
            value if value is None else value.detach().to(dtype)
            for value in (layer.weight, layer.bias)
        )
    kind: Any = type(layer)
    layer.__class__ = _holding(kind)


@functools.cache
def _holding(base: Any) -> Any:
    """The class of a layer that computes in the type that its weight is held in, and otherwise
    as ``base`` does."""

    def forward(self: Any, x: Tensor, add: Tensor | None = None, relu: bool = False) -> Any:
        cast = getattr(self, "cast", None)
        if torch.is_autocast_enabled("cpu") != (cast is not None):
            return then(base.forward(self, x), add, relu)
        weight, bias = cast or (self.weight, self.bias)
        if cast is not None:
            x = x.to(weight.dtype)
        if isinstance(self, nn.Linear):
            return then(_linear(self, base, x, weight, bias), add, relu)
        return _conv2d(self, base, x, weight, bias, add, relu)

    return type(base.__name__, (base,), {"forward": forward})


def _linear(layer: Any, base: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    found = None
    if layer.packing is not None and (weight.dtype != torch.float32 or base is OneDnnLinear):
        found = layer.packing.linear(x, weight, bias)
    if found is not None:
        return found
    if weight is layer.weight:
        return base.forward(layer, x)
    return F.linear(x, weight, bias)


def _conv2d(
    layer: Any, base: Any, x: Tensor, weight: Tensor, bias: Tensor | None,
    add: Tensor | None, relu: bool,
) -> Tensor:  # fmt: skip
    padding = layer.padding
    if base is Conv2dSame:
        x = pad_same(x, list(layer.kernel_size), list(layer.stride), list(layer.dilation))
        padding = (0, 0)
    elif layer.padding_mode != "zeros" or isinstance(padding, str):
        return then(nn.Conv2d._conv_forward(layer, x, weight, bias), add, relu)
    elif base is WinogradConv2d and not torch.is_grad_enabled() and layer.fits(x):
        return then(layer.convolve_held(x), add, relu)
    sizes = (layer.stride, padding, layer.dilation, layer.groups)
    if layer.packing is None:
        return then(F.conv2d(x, weight, bias, *sizes), add, relu)
    found: Tensor = layer.packing.conv2d(x, weight, bias, *sizes, add, relu)
    return found


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
