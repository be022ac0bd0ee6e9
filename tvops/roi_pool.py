"""RoIPool (Girshick, 2015, https://arxiv.org/abs/1504.08083) with mmcv's bin borders.

A bin is every pixel that it touches, and the last pixel of a box belongs to it. torchvision's
kernel rounds the box first, so it gives other numbers for boxes that are not whole pixels.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from tvops.precision import widened

# Pixels looked at in one go; bounds the memory.
MAX_ENTRIES = 2**23
_MODE_MAX = 2


def roi_pool_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax: Tensor,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
) -> None:
    """Fill ``output`` (R, C, h, w) and ``argmax``, the winning pixel's place in its plane.

    ``input`` is (B, C, H, W), ``rois`` (R, 5) image number and corners xyxy in image pixels. An
    empty bin gives 0 and place -1.
    """
    (features,) = widened(input)
    _, channels, height, width = input.shape
    table = features.permute(0, 2, 3, 1).reshape(-1, channels)
    y1, y2 = _borders(rois[:, [2, 4]].to(table.dtype), spatial_scale, pooled_height, height)
    x1, x2 = _borders(rois[:, [1, 3]].to(table.dtype), spatial_scale, pooled_width, width)
    count = (y2 - y1)[:, :, None] * (x2 - x1)[:, None]
    base = rois[:, 0].long() * (height * width)
    for part in _parts(count):
        corner = base[part, None, None] + y1[part, :, None] * width + x1[part, None]
        index, offsets = _pixels(corner, (x2 - x1)[part], count[part], width)
        best, _, _, place = torch.embedding_bag(table, index, offsets, False, _MODE_MAX)
        shape = (-1, pooled_height, pooled_width, channels)
        best, place = (tensor.view(shape).permute(0, 3, 1, 2) for tensor in (best, place))
        empty = (count[part] == 0)[:, None]
        output[part] = best.masked_fill(empty, 0).to(output.dtype)
        argmax[part] = (place - base[part, None, None, None]).masked_fill(empty, -1).int()


def roi_pool_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax: Tensor,
    grad_input: Tensor,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
) -> None:
    """Fill ``grad_input`` (B, C, H, W): each bin's gradient goes to its winning pixel."""
    batch, channels, height, width = grad_input.shape
    (grad,) = widened(grad_output)
    plane = rois[:, 0].long()[:, None] * channels + torch.arange(channels, device=rois.device)
    target = plane[:, :, None, None] * (height * width) + argmax.clamp(min=0)
    total = grad.new_zeros(grad_input.numel())
    total.index_add_(0, target.flatten(), grad.masked_fill(argmax < 0, 0).flatten())
    grad_input.copy_(total.view(batch, channels, height, width))


def _borders(ends: Tensor, scale: float, bins: int, length: int) -> tuple[Tensor, Tensor]:
    """First pixel of each bin, and the one after its last, (R, bins); equal where it is empty."""
    first, last = ends[:, :1] * scale, (ends[:, 1:] + 1) * scale
    size = (last - first) / bins
    number = torch.arange(bins, dtype=ends.dtype, device=ends.device)
    low = (number * size + first).floor().clamp(0, length).long()
    high = ((number + 1) * size + first).ceil().clamp(0, length).long()
    # A box turned inside out has no pixels.
    return low, torch.where(last > first, high.maximum(low), low)


def _parts(count: Tensor) -> Iterator[Tensor]:
    """RoI numbers in parts that hold a bounded number of pixels."""
    if len(count) == 0:
        return
    chunk = count.sum(dim=(1, 2)).cumsum(0) // MAX_ENTRIES
    sizes = torch.unique_consecutive(chunk, return_counts=True)[1]
    yield from torch.arange(len(count), device=count.device).split(sizes.tolist())


def _pixels(corner: Tensor, widths: Tensor, count: Tensor, row: int) -> tuple[Tensor, Tensor]:
    """Table rows of all pixels of all bins, bin after bin, and where each bin begins.

    ``corner`` (R, h, w) is the table row of a bin's first pixel, ``widths`` (R, w) its width,
    ``count`` (R, h, w) its pixels, and ``row`` the map's width.
    """
    bins = count.flatten()
    offsets = bins.cumsum(0) - bins
    wide = widths[:, None].expand_as(count).flatten().repeat_interleave(bins)
    within = torch.arange(len(wide), device=wide.device) - offsets.repeat_interleave(bins)
    first = corner.flatten().repeat_interleave(bins)
    return first + within // wide * row + within % wide, offsets
