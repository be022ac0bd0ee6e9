"""Where RoIAlign samples, axis by axis, and how the samples weigh the pixels around them.

RoIAlign (He et al., 2017, https://arxiv.org/abs/1703.06870) averages, for each output bin, a grid
of points that are interpolated bilinearly. Bilinear weights are products of a y and an x weight,
so everything here is computed for one axis at a time on arrays of a few thousand numbers.

Letters: R RoIs, P output bins along the axis, S sample points a bin, K pixels a bin.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class RoIs:
    """RoIs on their own feature maps, and the table that holds those maps end to end.

    ``start`` and ``size`` are (R, 2) in feature pixels, y before x, ``shape`` (R, 2) int64 height
    and width of the RoI's map, ``base`` (R,) int64 row of the map's first pixel in the table.
    """

    start: Tensor
    size: Tensor
    shape: Tensor
    base: Tensor

    def take(self, part: Tensor) -> RoIs:
        """Some of the RoIs, by their numbers."""
        return RoIs(self.start[part], self.size[part], self.shape[part], self.base[part])

    def grid(self, output_size: tuple[int, int], sampling_ratio: int) -> Tensor:
        """Sample points a bin (R, 2); ratio 0 takes about one for each feature pixel."""
        if sampling_ratio > 0:
            return torch.full_like(self.start, sampling_ratio)
        return (self.size / self.size.new_tensor(output_size)).ceil()


@dataclass(frozen=True)
class Samples:
    """Sample points along one axis, each (R, P, S): pixel below, pixel above, and their weights.

    A point that does not count (outside the map, beyond the RoI's own grid) weighs 0.
    """

    low: Tensor
    high: Tensor
    low_weight: Tensor
    high_weight: Tensor


def place_rois(rois: Tensor, scale: Tensor, shape: Tensor, base: Tensor, aligned: bool) -> RoIs:
    """Put RoIs onto their feature maps.

    Args:
        rois: (R, 5) image number and corners xyxy in image pixels.
        scale: (R,) feature pixels per image pixel.
        shape, base: see :class:`RoIs`.
        aligned: pixel centres lie at +0.5; else the legacy convention, where no RoI is smaller
            than one feature pixel.
    """
    corners = rois[:, 1:] * scale[:, None] - (0.5 if aligned else 0.0)
    start = corners[:, [1, 0]]
    size = corners[:, [3, 2]] - start
    return RoIs(start, size if aligned else size.clamp(min=1.0), shape, base)


def sample_axis(rois: RoIs, axis: int, bins: int, grid: Tensor, slots: int) -> Samples:
    """Sample points of all bins along an axis (0 is y, 1 is x).

    Args:
        grid: (R,) sample points a bin; they are averaged over.
        slots: S, at least the largest grid.
    """
    start = rois.start[:, axis, None, None]
    bin_size = rois.size[:, axis, None, None] / bins
    length = rois.shape[:, axis, None, None]
    count = grid[:, None, None]
    step = torch.arange(slots, dtype=start.dtype, device=start.device)
    number = torch.arange(bins, dtype=start.dtype, device=start.device)[:, None]
    position = start + number * bin_size + (step + 0.5) * bin_size / count
    counts = (position >= -1) & (position <= length) & (step < count)
    inside = torch.minimum(torch.nan_to_num(position).clamp(min=0), length - 1)
    low = inside.floor()
    share = torch.where(counts, 1 / count, 0)
    high_weight = torch.where(counts, (inside - low) * share, 0)
    low = low.long()
    return Samples(low, torch.minimum(low + 1, length - 1), share - high_weight, high_weight)


def pixel_weights(samples: Samples, merge: bool) -> tuple[Tensor, Tensor]:
    """Pixels of each bin along the axis, and their weights, both (R, P, K).

    Args:
        merge: add up the weights that fall on the same pixel, which asks for points at most one
            pixel apart, as sampling ratio 0 has them: K = S + 1 in place of 2·S.
    """
    if not merge:
        return (
            torch.cat([samples.low, samples.high], dim=2),
            torch.cat([samples.low_weight, samples.high_weight], dim=2),
        )
    slots = samples.low.size(2)
    # The points of a bin lie in order; that of a RoI without a size may run backwards.
    first = torch.minimum(samples.low[:, :, :1], samples.low[:, :, -1:])
    weights = samples.low_weight.new_zeros((*samples.low.shape[:2], slots + 1))
    # Points beyond a RoI's own grid may lie further off; they weigh 0 and may go anywhere.
    weights.scatter_add_(2, (samples.low - first).clamp(max=slots), samples.low_weight)
    weights.scatter_add_(2, (samples.high - first).clamp(max=slots), samples.high_weight)
    return first + torch.arange(slots + 1, device=first.device), weights
