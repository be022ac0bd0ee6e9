"""RoIAlign as a sparse matrix product over a table of feature pixels.

The channels-last maps of all images and levels, laid end to end, form a table (rows, C). Each
output bin is a weighted sum of a few of its rows: ``embedding_bag``. The gradient is the same
product transposed, which is again an ``embedding_bag``, over the gradient's rows with the entries
sorted by table row. Both add up in float32 also where the rows are bf16 or fp16.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tvops.roi_sampling import RoIs, pixel_weights, sample_axis

# Entries (an index and a weight, 8 bytes) held at once: bounds the memory for huge RoIs.
MAX_ENTRIES = 2**23
# Grids are rounded up to one of these, so that RoIs of similar size share a block.
GRIDS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)


@dataclass(frozen=True)
class Block:
    """The entries of some RoIs: ``index`` and ``weight`` are (len(rois) · bins, E)."""

    rois: Tensor
    index: Tensor
    weight: Tensor


@dataclass(frozen=True)
class Batch:
    """Blocks laid end to end: ``index`` and ``weight`` are flat, ``sizes`` counts each bin's.

    One call over many RoIs in place of one a block: every call waits for all threads, which takes
    long where other programs share the cores.
    """

    rois: Tensor
    index: Tensor
    weight: Tensor
    sizes: Tensor


def blocks(rois: RoIs, output_size: tuple[int, int], sampling_ratio: int) -> Iterator[Block]:
    """Cut the RoIs into blocks of equal entry count per bin and bounded size."""
    grid = rois.grid(output_size, sampling_ratio)
    merge = sampling_ratio <= 0
    slots = _slots(grid) if merge else torch.full_like(grid, sampling_ratio, dtype=torch.long)
    if len(grid) == 0:
        return
    # A RoI far larger than its map has huge axes: then few RoIs at a time.
    at_once = max(1, MAX_ENTRIES // (max(output_size) * int(slots.max())))
    for numbers in torch.arange(len(grid)).split(at_once):
        some, spaces = rois.take(numbers), slots[numbers]
        axes = [
            pixel_weights(
                sample_axis(
                    some, axis, output_size[axis], grid[numbers, axis], int(spaces[:, axis].max())
                ),
                merge,
            )
            for axis in (0, 1)
        ]
        rows, columns = _table_places(some, axes[0][0], axes[1][0])
        weight_y, weight_x = axes[0][1].numpy(), axes[1][1].numpy()
        for part, (y, x) in _groups(spaces, output_size, merge):
            yield Block(
                numbers[part],
                _outer(np.add, rows[part, :, :y], columns[part, :, :x]),
                _outer(np.multiply, weight_y[part, :, :y], weight_x[part, :, :x]),
            )


def gather(table: Tensor, batches: Iterable[Batch], count: int, bins: int) -> Tensor:
    """Weighted sums of table rows: (rows, C) → (count, bins, C) for ``count`` RoIs."""
    output = None
    for batch in batches:
        sums = F.embedding_bag(
            batch.index,
            table,
            _starts(batch.sizes),
            mode="sum",
            per_sample_weights=batch.weight.to(table.dtype),
        )
        sums = sums.view(len(batch.rois), bins, -1)
        if len(batch.rois) == count:  # all of them: reading in order is faster than writing
            in_order = torch.equal(batch.rois, torch.arange(count))
            return sums if in_order else sums.index_select(0, torch.argsort(batch.rois))
        output = table.new_empty((count, bins, table.size(1))) if output is None else output
        output[batch.rois] = sums
    return table.new_zeros((count, bins, table.size(1))) if output is None else output


def scatter(grad: Tensor, batches: Iterable[Batch], rows: int) -> Tensor:
    """The transpose of :func:`gather`: (R, bins, C) → (rows, C)."""
    output = None
    bins = torch.arange(grad.size(1), dtype=torch.int32)
    for batch in batches:
        source = (batch.rois.int()[:, None] * len(bins) + bins).flatten()
        index, order = torch.sort(batch.index, stable=True)
        sums = F.embedding_bag(
            source.repeat_interleave(batch.sizes)[order],
            grad.flatten(0, 1),
            _starts(torch.bincount(index, minlength=rows)),
            mode="sum",
            per_sample_weights=batch.weight[order].to(grad.dtype),
        )
        output = sums if output is None else output + sums
    return grad.new_zeros((rows, grad.size(2))) if output is None else output


def _slots(grid: Tensor) -> Tensor:
    """Each grid (R, 2) rounded up to a member of GRIDS, int64; beyond them, kept as it is."""
    steps = torch.tensor(GRIDS, device=grid.device)
    wanted = torch.nan_to_num(grid, posinf=0).clamp(min=1).long()
    nearest = torch.bucketize(wanted, steps)
    return torch.where(nearest < len(GRIDS), steps[nearest.clamp(max=len(GRIDS) - 1)], wanted)


def _table_places(rois: RoIs, pixel_y: Tensor, pixel_x: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Table rows where the map's rows (R, Ph, Ky) begin, and columns (R, Pw, Kx) to add to them."""
    height, width = rois.shape[:, 0, None, None], rois.shape[:, 1, None, None]
    # Merged pixels may run past the map's end, with weight 0: keep them inside.
    rows = pixel_y.minimum(height - 1) * width + rois.base[:, None, None]
    return rows.int().numpy(), pixel_x.minimum(width - 1).int().numpy()


def _groups(
    slots: Tensor, output_size: tuple[int, int], merge: bool
) -> Iterator[tuple[np.ndarray, tuple[int, int]]]:
    """RoIs that have equal slots, in parts of bounded size, and their pixels a bin (y, x)."""
    pairs, member_of = np.unique(slots.numpy(), axis=0, return_inverse=True)
    for number, (y, x) in enumerate(pairs.tolist()):
        pixels = (y + 1, x + 1) if merge else (2 * y, 2 * x)
        at_once = max(1, MAX_ENTRIES // (math.prod(output_size) * math.prod(pixels)))
        members = np.flatnonzero(member_of.reshape(-1) == number)
        for start in range(0, len(members), at_once):
            yield members[start : start + at_once], pixels


def _outer(combine: np.ufunc, by_y: np.ndarray, by_x: np.ndarray) -> Tensor:
    """(R, Ph, Ky) and (R, Pw, Kx) → (R·Ph·Pw, Ky·Kx).

    In NumPy, one thread: dozens of short threaded calls cost more in waiting than they save.
    """
    both = combine(by_y[:, :, None, :, None], by_x[:, None, :, None, :])
    return torch.from_numpy(both.reshape(-1, by_y.shape[2] * by_x.shape[2]))


def joined(parts: Iterator[Block]) -> Iterator[Batch]:
    """Join as many blocks as memory allows."""
    held: list[Block] = []
    for block in parts:
        held.append(block)
        if sum(one.index.numel() for one in held) >= MAX_ENTRIES:
            yield _end_to_end(held)
            held = []
    if held:
        yield _end_to_end(held)


def _end_to_end(held: list[Block]) -> Batch:
    sizes = [torch.full((len(block.index),), block.index.size(1)) for block in held]
    return Batch(
        torch.cat([block.rois for block in held]),
        torch.cat([block.index.flatten() for block in held]),
        torch.cat([block.weight.flatten() for block in held]),
        torch.cat(sizes),
    )


def _starts(sizes: Tensor) -> Tensor:
    """Where runs of these sizes begin when they lie end to end, int32 like the indices."""
    return (sizes.cumsum(0) - sizes).int()
