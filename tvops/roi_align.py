"""RoIAlign (He et al., 2017, https://arxiv.org/abs/1703.06870) over one or several feature maps.

On the CPU it is a sparse weighted sum over a table of pixels (:mod:`tvops.roi_table`), about ten
times as fast as torchvision's kernel; elsewhere torchvision's kernel does the work. RoIs are not
differentiated, as in mmcv and torchvision.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
import torchvision
from torch import Tensor
from torch.autograd.function import once_differentiable

from tvops import roi_align_max
from tvops.precision import widened, without_autocast, working_dtype
from tvops.roi_sampling import place_rois
from tvops.roi_table import Batch, blocks, gather, joined, scatter

MAX, AVERAGE = 0, 1


class Pooling(NamedTuple):
    """What the bins are: output (height, width), sample points an axis (0: by size), alignment."""

    output_size: tuple[int, int]
    sampling_ratio: int
    aligned: bool


def roi_align(
    features: Tensor,
    rois: Tensor,
    output_size: int | tuple[int, int],
    spatial_scale: float,
    sampling_ratio: int = 0,
    aligned: bool = True,
) -> Tensor:
    """Pool RoIs from one feature map, differentiable by the features.

    Args:
        features: (B, C, H, W); channels-last memory saves a copy.
        rois: (R, 5) image number and corners xyxy in image pixels, of any floating type.
        output_size: bins (h, w) of a RoI.
        spatial_scale: feature pixels per image pixel.
        sampling_ratio: sample points along each axis of a bin; 0 takes about one a pixel.
        aligned: whether pixel centres lie at +0.5.

    Returns:
        (R, C, h, w) of the features' type.

    Raises:
        ValueError: an image number of the RoIs is not one of the batch (checked on the CPU).
    """
    pooling = Pooling(_pair(output_size), int(sampling_ratio), bool(aligned))
    if features.device.type != "cpu":
        return _torchvision(features, rois, spatial_scale, pooling)
    levels = torch.zeros(len(rois), dtype=torch.long)
    return _TableRoIAlign.apply(rois.detach(), levels, (float(spatial_scale),), pooling, features)


def multilevel_roi_align(
    feats: Sequence[Tensor],
    rois: Tensor,
    levels: Tensor,
    output_size: int | tuple[int, int],
    strides: Sequence[float],
    sampling_ratio: int = 0,
    aligned: bool = True,
) -> Tensor:
    """Pool each RoI from the level it is assigned to, all levels at once on the CPU.

    Args:
        feats: one (B, C, H, W) map a level, all of one type.
        rois: (R, 5) image number and corners xyxy in image pixels, of any floating type; float32
            also under AMP, as bf16 places a corner at 1,000 up to 4 pixels off.
        levels: (R,) int64 position in ``feats`` of each RoI's level.
        output_size, sampling_ratio, aligned: see :func:`roi_align`.
        strides: image pixels per feature pixel of each level.

    Returns:
        (R, C, h, w) of the features' type.

    Raises:
        ValueError: lengths of ``feats`` and ``strides`` differ, or image or level numbers are out
            of range (checked on the CPU).
    """
    if len(feats) != len(strides):
        raise ValueError(f"{len(feats)} feature maps, but {len(strides)} strides: need one each")
    pooling = Pooling(_pair(output_size), int(sampling_ratio), bool(aligned))
    scales = tuple(1.0 / stride for stride in strides)
    if feats[0].device.type == "cpu":
        return _TableRoIAlign.apply(rois.detach(), levels, scales, pooling, *feats)
    output = feats[0].new_zeros((len(rois), feats[0].size(1), *pooling.output_size))
    for level, (features, scale) in enumerate(zip(feats, scales, strict=True)):
        chosen = (levels == level).nonzero()[:, 0]
        pooled = _torchvision(features, rois[chosen], scale, pooling)
        output = output.index_copy(0, chosen, pooled)
    return output


def roi_align_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """mmcv's entry: fill ``output`` (R, C, h, w), in max mode (0) also the two ``argmax``."""
    pooling = Pooling((aligned_height, aligned_width), sampling_ratio, aligned)
    with torch.no_grad():
        if pool_mode == MAX:
            roi_align_max.forward(input, rois, output, argmax_y, argmax_x, spatial_scale, pooling)
        else:
            output.copy_(
                roi_align(input, rois, pooling.output_size, spatial_scale, sampling_ratio, aligned)
            )


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """mmcv's entry: fill ``grad_input`` (B, C, H, W)."""
    pooling = Pooling((aligned_height, aligned_width), sampling_ratio, aligned)
    with torch.no_grad():
        if pool_mode == MAX:
            roi_align_max.backward(
                grad_output, rois, argmax_y, argmax_x, grad_input, spatial_scale, pooling
            )
        elif grad_input.device.type == "cpu":
            (grad,) = _table_backward(
                grad_output,
                rois,
                torch.zeros(len(rois), dtype=torch.long),
                (spatial_scale,),
                pooling,
                [grad_input.shape],
            )
            grad_input.copy_(grad)
        else:
            grad_input.copy_(
                _torchvision_backward(grad_output, rois, grad_input.shape, spatial_scale, pooling)
            )


class _TableRoIAlign(torch.autograd.Function):
    """Forward and backward over the table.

    The entries are held for the backward pass where they are one batch, tens of megabytes at most,
    and made anew where they are more. autograd's own gradient of ``embedding_bag`` takes twice as
    long, and in bf16 and fp16 it adds up in the half type.
    """

    @staticmethod
    def forward(
        ctx: Any,
        rois: Tensor,
        levels: Tensor,
        scales: tuple[float, ...],
        pooling: Pooling,
        *feats: Tensor,
    ) -> Tensor:
        _check(rois, levels, feats)
        ctx.save_for_backward(rois, levels)
        ctx.scales, ctx.pooling, ctx.shapes = scales, pooling, [feat.shape for feat in feats]
        rows = [feat.permute(0, 2, 3, 1).reshape(-1, feat.size(1)) for feat in feats]
        table = rows[0] if len(rows) == 1 else torch.cat(rows)
        made = _entries(rois, levels, scales, pooling, ctx.shapes, working_dtype(table))
        ctx.entries = []
        height, width = pooling.output_size
        pooled = gather(table, _held(made, ctx.entries), len(rois), height * width)
        return pooled.view(len(rois), height, width, table.size(1)).permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        rois, levels = ctx.saved_tensors
        grads = _table_backward(
            grad_output, rois, levels, ctx.scales, ctx.pooling, ctx.shapes, ctx.entries
        )
        return None, None, None, None, *grads


def _table_backward(
    grad_output: Tensor,
    rois: Tensor,
    levels: Tensor,
    scales: tuple[float, ...],
    pooling: Pooling,
    shapes: list[torch.Size],
    entries: Iterable[Batch] = (),
) -> list[Tensor]:
    """Gradient by each level's map, in channels-last memory."""
    grad = grad_output.permute(0, 2, 3, 1).flatten(1, 2).contiguous()
    sizes = [batch * height * width for batch, _, height, width in shapes]
    made = entries or _entries(rois, levels, scales, pooling, shapes, working_dtype(grad))
    rows = scatter(grad, made, sum(sizes)).split(sizes)
    return [
        part.view(batch, height, width, channels).permute(0, 3, 1, 2)
        for part, (batch, channels, height, width) in zip(rows, shapes, strict=True)
    ]


def _held(made: Iterable[Batch], only: list[Batch]) -> Iterator[Batch]:
    """Hand batches on, and leave the batch in ``only`` if it is the only one."""
    for number, batch in enumerate(made):
        only[:] = [] if number else [batch]
        yield batch


def _entries(
    rois: Tensor,
    levels: Tensor,
    scales: tuple[float, ...],
    pooling: Pooling,
    shapes: list[torch.Size],
    dtype: torch.dtype,
) -> Iterator[Batch]:
    rois = rois.detach().to(dtype)
    heights_widths = torch.tensor([shape[2:] for shape in shapes])
    areas = heights_widths.prod(dim=1)
    batch_rows = torch.tensor([shape[0] for shape in shapes]) * areas
    first = batch_rows.cumsum(0) - batch_rows
    base = first[levels] + rois[:, 0].long() * areas[levels]
    scale = torch.tensor(scales, dtype=dtype)[levels]
    placed = place_rois(rois, scale, heights_widths[levels], base, pooling.aligned)
    return joined(blocks(placed, pooling.output_size, pooling.sampling_ratio))


def _check(rois: Tensor, levels: Tensor, feats: Sequence[Tensor]) -> None:
    """Numbers out of range would read another image's pixels, so they are looked at."""
    if len(rois) == 0:
        return
    for what, numbers, count in (
        ("image", rois[:, 0], feats[0].size(0)),
        ("level", levels, len(feats)),
    ):
        low, high = numbers.min().item(), numbers.max().item()
        if not 0 <= low <= high < count:
            raise ValueError(
                f"RoIs name {what} numbers from {low:g} to {high:g}, but there are "
                f"{count}: they must lie between 0 and {count - 1}"
            )


def _torchvision(features: Tensor, rois: Tensor, spatial_scale: float, pooling: Pooling) -> Tensor:
    """torchvision's kernel, differentiable; in float32 for half types, which it mostly refuses."""
    dtype = working_dtype(features)
    with without_autocast(features):
        return torchvision.ops.roi_align(
            features.to(dtype),
            rois.detach().to(dtype),
            pooling.output_size,
            spatial_scale,
            pooling.sampling_ratio,
            pooling.aligned,
        ).to(features.dtype)


def _torchvision_backward(
    grad_output: Tensor, rois: Tensor, shape: torch.Size, spatial_scale: float, pooling: Pooling
) -> Tensor:
    grad, boxes = widened(grad_output, rois)
    with without_autocast(grad):
        return torch.ops.torchvision._roi_align_backward(
            grad.contiguous(),
            boxes.contiguous(),
            spatial_scale,
            *pooling.output_size,
            *shape,
            pooling.sampling_ratio,
            pooling.aligned,
        )


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    height, width = (size, size) if isinstance(size, int) else size
    return int(height), int(width)
