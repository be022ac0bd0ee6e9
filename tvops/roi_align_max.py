"""RoIAlign with the largest sample of each bin in place of their mean (mmcv's ``pool_mode``).

Rarely used, so plain: each sample point is interpolated on its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from tvops.precision import widened, working_dtype
from tvops.roi_sampling import RoIs, Samples, place_rois, sample_axis

if TYPE_CHECKING:
    from tvops.roi_align import Pooling

# Sampled values held at once; bounds the memory.
MAX_VALUES = 2**24


def forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    spatial_scale: float,
    pooling: Pooling,
) -> None:
    """Fill ``output`` (R, C, h, w) and the number of the winning sample along each axis.

    ``argmax_y`` and ``argmax_x`` (R, C, h, w) have the features' type. mmcv keeps coordinates
    there; the sample's number is exact in half types too. -1 stands for a bin without samples,
    whose output is 0.
    """
    (features,) = widened(input)
    placed, grid = _place(rois, input.shape, spatial_scale, pooling, features.dtype)
    for part in _parts(grid, input.size(1), pooling):
        y, x = _axes(placed.take(part), grid[part], pooling)
        values = _interpolate(features, rois[part, 0].long(), y, x)
        values = values * _grid_area(grid[part])[..., None, None]
        counts = _counts(grid[part], y.low.size(2), x.low.size(2))
        values = values.masked_fill(~counts[:, None, None, None], -torch.inf).flatten(4)
        best, winner = values.max(dim=4)
        empty = torch.isinf(best) & (best < 0)
        output[part] = best.masked_fill(empty, 0).to(output.dtype)
        step = x.low.size(2)
        argmax_y[part] = (winner // step).masked_fill(empty, -1).to(argmax_y.dtype)
        argmax_x[part] = (winner % step).masked_fill(empty, -1).to(argmax_x.dtype)


def backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    spatial_scale: float,
    pooling: Pooling,
) -> None:
    """Fill ``grad_input`` (B, C, H, W): each bin's gradient goes to its winning sample's pixels."""
    dtype = working_dtype(grad_output)
    batch, channels, height, width = grad_input.shape
    placed, grid = _place(rois, grad_input.shape, spatial_scale, pooling, dtype)
    total = torch.zeros(grad_input.numel(), dtype=dtype, device=grad_input.device)
    for part in _parts(grid, channels, pooling):
        y, x = _axes(placed.take(part), grid[part], pooling)
        image = rois[part, 0].long()[:, None, None, None]
        plane = image * channels + torch.arange(channels, device=image.device)[:, None, None]
        hit = (argmax_y[part] >= 0).to(dtype) * grad_output[part]
        hit = hit * _grid_area(grid[part])
        for y_pixel, y_weight in _winners(y, argmax_y[part], 2):
            for x_pixel, x_weight in _winners(x, argmax_x[part], 3):
                target = (plane * height + y_pixel) * width + x_pixel
                total.index_add_(0, target.flatten(), (hit * y_weight * x_weight).flatten())
    grad_input.copy_(total.view(batch, channels, height, width))


def _place(
    rois: Tensor, shape: torch.Size, spatial_scale: float, pooling: Pooling, dtype: torch.dtype
) -> tuple[RoIs, Tensor]:
    rois = rois.detach().to(dtype)
    size = torch.tensor(shape[2:], device=rois.device).expand(len(rois), 2)
    scale = rois.new_full((len(rois),), spatial_scale)
    placed = place_rois(rois, scale, size, torch.zeros_like(size[:, 0]), pooling.aligned)
    return placed, placed.grid(pooling.output_size, pooling.sampling_ratio)


def _parts(grid: Tensor, channels: int, pooling: Pooling) -> tuple[Tensor, ...]:
    """RoI numbers, smallest grids first, in parts of bounded size."""
    if len(grid) == 0:
        return ()
    order = grid.prod(dim=1).argsort()
    most = int(grid.clamp(min=1).amax(dim=0).prod())
    height, width = pooling.output_size
    return order.split(max(1, MAX_VALUES // (most * height * width * channels)))


def _axes(rois: RoIs, grid: Tensor, pooling: Pooling) -> tuple[Samples, Samples]:
    y, x = (
        sample_axis(
            rois, axis, pooling.output_size[axis], grid[:, axis], max(1, int(grid[:, axis].max()))
        )
        for axis in (0, 1)
    )
    return y, x


def _grid_area(grid: Tensor) -> Tensor:
    """Samples a bin (R, 1, 1, 1): weights are divided by it for a mean, but not for a maximum."""
    return grid.clamp(min=1).prod(dim=1)[:, None, None, None]


def _counts(grid: Tensor, slots_y: int, slots_x: int) -> Tensor:
    """Whether a sample belongs to the RoI's own grid: (R, Sy, Sx)."""
    steps_y = torch.arange(slots_y, device=grid.device)[:, None]
    steps_x = torch.arange(slots_x, device=grid.device)
    return (steps_y < grid[:, 0, None, None]) & (steps_x < grid[:, 1, None, None])


def _interpolate(features: Tensor, image: Tensor, y: Samples, x: Samples) -> Tensor:
    """Each sample's share of its bin's mean, (R, C, h, w, Sy, Sx)."""
    values = features.new_zeros(())
    image = image[:, None, None, None, None]
    for y_pixel, y_weight in ((y.low, y.low_weight), (y.high, y.high_weight)):
        for x_pixel, x_weight in ((x.low, x.low_weight), (x.high, x.high_weight)):
            pixels = features[image, :, y_pixel[:, :, None, :, None], x_pixel[:, None, :, None]]
            weight = y_weight[:, :, None, :, None] * x_weight[:, None, :, None]
            values = values + pixels * weight[..., None]
    return values.permute(0, 5, 1, 2, 3, 4)


def _winners(samples: Samples, winner: Tensor, bin_dim: int) -> list[tuple[Tensor, Tensor]]:
    """Pixel and weight (R, C, h, w) below and above the winning sample of each bin."""
    view = [winner.size(0), 1, 1, 1]
    roi = torch.arange(winner.size(0), device=winner.device).view(view)
    shape = [1, 1, 1, 1]
    shape[bin_dim] = -1
    number = torch.arange(winner.size(bin_dim), device=winner.device).view(shape)
    at = (roi, number, winner.long().clamp(min=0))
    return [(samples.low[at], samples.low_weight[at]), (samples.high[at], samples.high_weight[at])]
