"""How a detector runs fastest on the machine at hand: layout and algorithm of its layers."""

from __future__ import annotations

from typing import Any

import torch
from timm.layers import Conv2dSame, pad_same
from torch import Tensor, nn

from tvops.depthwise import DepthwiseConv2d, depthwise_conv2d, is_depthwise
from tvops.linear import onednn_linear_pays, use_onednn_linear
from tvops.winograd import use_winograd, where_winograd_pays

from .frozen_norms import fold_while_frozen
from .last_layers import predict_in_full
from .rpn import arrange_rpn


def arrange_model(model: nn.Module, *, training: bool, in_full: bool = True) -> str:
    """Lay out weights and choose algorithms, in place; parameters and state dict stay the same.

    In channels_last a convolution returns features that are so, the input needs no conversion,
    and RoI features are read without a copy. oneDNN and cuDNN run faster in it, with one exception:
    the backward pass of 3×3 convolutions on a CPU without AVX-512. There, and wherever else it is
    faster, these run by Winograd's algorithm (:mod:`tvops.winograd`). ``benchmarks/training.py``
    and ``prediction.py`` compare them. BatchNorm with fixed statistics runs within the convolution
    before it (:mod:`fishdet.models.frozen_norms`); depthwise convolutions have a backward pass of
    their own in bf16 (:mod:`tvops.depthwise`). Linear layers run by oneDNN where MKL is slow
    (:mod:`tvops.linear`). On a CPU the RPN saves what decides nothing (:mod:`fishdet.models.rpn`).
    The last layers of heads predict in float32 (:mod:`fishdet.models.last_layers`).

    Args:
        model: a detector on the device where it will run.
        training: whether gradients will be asked for.
        in_full: whether it computes in float32, for which alone some algorithms are.

    Returns:
        What was done, in words.
    """
    on_cpu = next(model.parameters()).device.type == "cpu"
    fewest = where_winograd_pays() if on_cpu and in_full else None
    if on_cpu:
        arrange_rpn(model, training=training, fewest=fewest)
    model.to(memory_format=torch.channels_last)
    done = ["channels_last"]
    if fewest is not None and (layers := use_winograd(model, fewest)):
        done.append(f"{layers} by Winograd")
    if training:
        _use_depthwise(model)
    if on_cpu and in_full and onednn_linear_pays() and (layers := use_onednn_linear(model)):
        done.append(f"{layers} linear layers by oneDNN")
    predict_in_full(model)
    if training and (norms := fold_while_frozen(model)):
        done.append(f"{norms} BatchNorms within them while their statistics are fixed")
    return ", ".join(done)


class _SameDepthwiseConv2d(Conv2dSame):
    """timm's convolution that pads by the size of its input, over :func:`depthwise_conv2d`."""

    def forward(self, x: Tensor) -> Tensor:
        padded = pad_same(x, list(self.kernel_size), list(self.stride), list(self.dilation))
        return depthwise_conv2d(padded, self.weight, self.bias, self.stride)  # type: ignore[arg-type]


_DEPTHWISE: dict[Any, Any] = {nn.Conv2d: DepthwiseConv2d, Conv2dSame: _SameDepthwiseConv2d}


def _use_depthwise(model: nn.Module) -> None:
    for module in model.modules():
        if type(module) in _DEPTHWISE and is_depthwise(module):
            module.__class__ = _DEPTHWISE[type(module)]
