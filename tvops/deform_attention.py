"""Multi-scale deformable attention (Zhu et al., 2021, https://arxiv.org/abs/2010.04159).

mmcv calls these on accelerators; on the CPU it has a formula of its own.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from tvops.precision import widened, without_autocast


def ms_deform_attn_forward(
    value: Tensor,
    value_spatial_shapes: Tensor,
    value_level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    im2col_step: int,
) -> Tensor:
    """Sample each level at the given places and add up by attention weight.

    Args:
        value: (B, K, heads, D) the levels' maps, flattened and laid end to end.
        value_spatial_shapes: (L, 2) height and width of each level.
        value_level_start_index: (L,) where each level begins in K; follows from the shapes.
        sampling_locations: (B, Q, heads, L, P, 2), x before y, 0 to 1 across the map.
        attention_weights: (B, Q, heads, L, P).
        im2col_step: images a step in mmcv's kernel; has no effect.

    Returns:
        (B, Q, heads·D), of the type of ``value``.
    """
    operands = widened(value, sampling_locations, attention_weights)
    with torch.no_grad(), without_autocast(value):
        return _attend(operands, value_spatial_shapes.tolist()).to(value.dtype)


def ms_deform_attn_backward(
    value: Tensor,
    value_spatial_shapes: Tensor,
    value_level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    grad_output: Tensor,
    grad_value: Tensor,
    grad_sampling_loc: Tensor,
    grad_attn_weight: Tensor,
    im2col_step: int,
) -> None:
    """Fill the three gradients that belong to :func:`ms_deform_attn_forward`."""
    operands = [
        operand.requires_grad_()
        for operand in widened(value, sampling_locations, attention_weights)
    ]
    with torch.enable_grad(), without_autocast(value):
        output = _attend(operands, value_spatial_shapes.tolist())
        gradients = torch.autograd.grad(output, operands, grad_output.to(output.dtype))
    for target, gradient in zip(
        (grad_value, grad_sampling_loc, grad_attn_weight), gradients, strict=True
    ):
        target.copy_(gradient)


def _attend(operands: list[Tensor], shapes: list[list[int]]) -> Tensor:
    value, locations, weights = operands
    batch, _, heads, depth = value.shape
    queries, points = locations.size(1), locations.size(4)
    # One grid_sample per level over (B·heads, D, H, W); its coordinates run from -1 to 1.
    maps = value.permute(0, 2, 3, 1).flatten(0, 1).split([h * w for h, w in shapes], dim=2)
    grids = (2 * locations - 1).transpose(1, 2).flatten(0, 1)
    sampled = [
        F.grid_sample(
            maps[level].unflatten(2, (height, width)),
            grids[:, :, level],
            mode="bilinear",
            padding_mode="zeros",
            align_corners=False,
        )
        for level, (height, width) in enumerate(shapes)
    ]
    weights = weights.transpose(1, 2).reshape(batch * heads, 1, queries, len(shapes) * points)
    output = (torch.cat(sampled, dim=3) * weights).sum(dim=3)
    return output.view(batch, heads * depth, queries).transpose(1, 2).contiguous()
