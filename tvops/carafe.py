"""CARAFE, content-aware reassembly of features (Wang et al., 2019).

https://arxiv.org/abs/1905.02188; every output pixel is a weighted sum of the k×k neighbourhood of
its source pixel, with weights of its own.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from tvops.precision import widened, without_autocast


def carafe_forward(
    features: Tensor,
    masks: Tensor,
    rfeatures: Tensor,
    routput: Tensor,
    rmasks: Tensor,
    output: Tensor,
    kernel_size: int,
    group_size: int,
    scale_factor: int,
) -> None:
    """Fill ``output`` (B, C, s·H, s·W) from ``features`` (B, C, H, W).

    ``masks`` is (B, group_size·k², s·H, s·W). mmcv keeps ``rfeatures`` for the backward pass, in a
    layout of its kernels' own choice: here it is a copy. ``routput`` and ``rmasks`` are scratch.
    """
    rfeatures.copy_(features)
    carafe_naive_forward(features, masks, output, kernel_size, group_size, scale_factor)


def carafe_backward(
    top_grad: Tensor,
    rfeatures: Tensor,
    masks: Tensor,
    rtop_grad: Tensor,
    rbottom_grad_hs: Tensor,
    rbottom_grad: Tensor,
    rmask_grad: Tensor,
    bottom_grad: Tensor,
    mask_grad: Tensor,
    kernel_size: int,
    group_size: int,
    scale_factor: int,
) -> None:
    """Fill ``bottom_grad`` and ``mask_grad`` from what :func:`carafe_forward` kept."""
    carafe_naive_backward(
        top_grad, rfeatures, masks, bottom_grad, mask_grad, kernel_size, group_size, scale_factor
    )


def carafe_naive_forward(
    features: Tensor,
    masks: Tensor,
    output: Tensor,
    kernel_size: int,
    group_size: int,
    scale_factor: int,
) -> None:
    """Fill ``output`` (B, C, s·H, s·W); shapes as in :func:`carafe_forward`."""
    features, masks = widened(features, masks)
    with torch.no_grad(), without_autocast(features):
        output.copy_(_reassemble(features, masks, kernel_size, group_size, scale_factor))


def carafe_naive_backward(
    top_grad: Tensor,
    features: Tensor,
    masks: Tensor,
    bottom_grad: Tensor,
    mask_grad: Tensor,
    kernel_size: int,
    group_size: int,
    scale_factor: int,
) -> None:
    """Fill ``bottom_grad`` (like ``features``) and ``mask_grad`` (like ``masks``)."""
    operands = [tensor.requires_grad_() for tensor in widened(features, masks)]
    with torch.enable_grad(), without_autocast(features):
        output = _reassemble(operands[0], operands[1], kernel_size, group_size, scale_factor)
        gradients = torch.autograd.grad(output, operands, top_grad.to(output.dtype))
    bottom_grad.copy_(gradients[0])
    mask_grad.copy_(gradients[1])


def _reassemble(features: Tensor, masks: Tensor, kernel: int, groups: int, scale: int) -> Tensor:
    batch, channels, height, width = features.shape
    patches = F.unfold(features, kernel, padding=(kernel - 1) // 2)
    patches = patches.view(batch, groups, channels // groups, kernel**2, height, width)
    weights = masks.view(batch, groups, kernel**2, height, scale, width, scale)
    output = torch.einsum("bgckhw,bgkhiwj->bgchiwj", patches, weights)
    return output.reshape(batch, channels, height * scale, width * scale)
