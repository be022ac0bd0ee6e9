"""The transforms of Winograd's F(4×4, 3×3), for many tiles of many channels at once.

Each works along the columns and then along the rows of a tile, by sums of whole arrays
(Lavin and Gray, 2016, https://arxiv.org/abs/1509.09308, section 4.3). Arrays are taken a few rows
of tiles at a time, so that what comes between stays in the cache.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

TILE = 4  # outputs a side
SEEN = TILE + 2  # inputs a side, and products
_STRIP = 3 << 19  # bytes of input at a time for each thread, most of which a core's cache holds

_KERNEL = torch.tensor(
    [[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]], dtype=torch.float64
) / 24  # fmt: skip
_KERNEL_BOTH = torch.kron(_KERNEL, _KERNEL)


def transform_kernels(weight: Tensor) -> Tensor:
    """Return kernels (K, C, 3, 3) as factors (36, K, C)."""
    out, into = weight.shape[:2]
    taps = weight.permute(3, 2, 0, 1).reshape(9, -1)
    return (_KERNEL_BOTH.to(weight.dtype) @ taps).view(SEEN * SEEN, out, into)


def restore_kernels(factors: Tensor) -> Tensor:
    """Return the gradient of kernels (K, C, 3, 3) from that of their factors (36, K, C)."""
    _, out, into = factors.shape
    taps = _KERNEL_BOTH.to(factors.dtype).t() @ factors.flatten(1)
    return taps.view(3, 3, out, into).permute(2, 3, 1, 0)


class Tiles:
    """Working memory for pictures of one size, which the calls for their rows share.

    Args:
        maps: (B, H, W, C) float32, of which the calls take other ones of the same shape.
    """

    def __init__(self, maps: Tensor) -> None:
        self.pictures, self.height, self.width, self.channels = maps.shape
        self.rows, self.columns = (-(-size // TILE) for size in (self.height, self.width))
        row = maps.element_size() * self.pictures * TILE * TILE * self.columns * self.channels
        strip = _STRIP * torch.get_num_threads()
        self.strip = min(self.rows, max(1, strip // max(row, 1)))
        self._new = maps.new_empty
        self._held: dict[str, Tensor] = {}

    def factor_bytes(self, rows: int) -> int:
        """How much :meth:`factors` takes."""
        tiles = self.pictures * rows * self.columns
        return SEEN * SEEN * tiles * self.channels * self._new(0).element_size()

    def factors(self, rows: int) -> Tensor:
        """Return room (6, 6, B, rows, columns, C) for the factors of some rows of tiles."""
        sizes = (SEEN, SEEN, self.pictures, rows, self.columns, self.channels)
        return self._room("factors", *sizes)

    def read(self, maps: Tensor, start: int, into: Tensor) -> None:
        """Transform what each tile sees, 6×6 pixels with those around it, zero outside.

        Args:
            maps: (B, H, W, C).
            start: the first row of tiles.
            into: (6, 6, B, rows, columns, C), written to.
        """
        for at, rows in self._strips(into.size(3)):
            first = TILE * (start + at)
            padded = self._padded(maps, first - 1, TILE * rows + 2, 1)
            half = self._room("half", SEEN, self.pictures, rows, padded.size(2), self.channels)
            _six_to_six(_every_fourth(padded, 1, rows), half, self._spare(half[0]))
            done = into[:, :, :, at : at + rows]
            _six_to_six(_every_fourth(half, 3, self.columns), done, self._spare(done[0]))

    def spread(self, maps: Tensor, start: int, into: Tensor) -> None:
        """Transform tiles of 4×4 pixels, the adjoint of :meth:`write`.

        Args:
            maps: (B, H, W, C), taken as zero outside.
            start: the first row of tiles.
            into: (6, 6, B, rows, columns, C), written to.
        """
        for at, rows in self._strips(into.size(3)):
            first, end = TILE * (start + at), TILE * (start + at + rows)
            if end <= self.height and self.width % TILE == 0:
                seen = maps[:, first:end]
            else:
                seen = self._padded(maps, first, TILE * rows, 0)
            half = self._room("half", SEEN, self.pictures, rows, seen.size(2), self.channels)
            _four_to_six([seen[:, i::TILE] for i in range(TILE)], half, self._spare(half[0]))
            done = into[:, :, :, at : at + rows]
            parts = [half[:, :, :, i::TILE] for i in range(TILE)]
            _four_to_six(parts, done, self._spare(done[0]))

    def write(self, products: Tensor, start: int, bias: Tensor | None, into: Tensor) -> None:
        """Transform products back into pixels.

        Args:
            products: (6, 6, B, rows, columns, C).
            start: the first row of tiles.
            bias: (C,), added to each pixel.
            into: (B, H, W, C), written to.
        """
        for at, rows in self._strips(products.size(3)):
            first = TILE * (start + at)
            end = min(first + TILE * rows, self.height)
            seen = products[:, :, :, at : at + rows]
            half = self._room("half", TILE, *seen.shape[1:])
            _six_to_four(list(seen), list(half), self._spare(half[0]))
            sizes = (self.pictures, rows, TILE, self.columns, TILE, self.channels)
            whole = end - first == TILE * rows and self.width % TILE == 0
            done = into[:, first:end].view(sizes) if whole else self._room("done", *sizes)
            parts = [done[:, :, i].permute(3, 0, 1, 2, 4) for i in range(TILE)]
            _six_to_four([half[:, i] for i in range(SEEN)], parts, self._spare(half[:, 0]))
            if not whole:
                lines = done.view(self.pictures, TILE * rows, TILE * self.columns, self.channels)
                into[:, first:end].copy_(lines[:, : end - first, : self.width])
            if bias is not None:
                into[:, first:end].add_(bias)

    def _strips(self, rows: int) -> list[tuple[int, int]]:
        return [(at, min(self.strip, rows - at)) for at in range(0, rows, self.strip)]

    def _padded(self, maps: Tensor, first: int, count: int, border: int) -> Tensor:
        """Return rows from ``first`` on, as wide as the tiles are, with zeros outside the maps."""
        width = TILE * self.columns + 2 * border
        padded = self._room("padded", self.pictures, count, width, self.channels)
        top, end = max(first, 0), min(first + count, self.height)
        padded[:, : top - first].zero_()
        padded[:, end - first :].zero_()
        padded[:, :, :border].zero_()
        padded[:, :, border + self.width :].zero_()
        padded[:, top - first : end - first, border : border + self.width].copy_(maps[:, top:end])
        return padded

    def _spare(self, like: Tensor) -> tuple[Tensor, Tensor]:
        return self._room("one", *like.shape), self._room("other", *like.shape)

    def _room(self, name: str, *shape: int) -> Tensor:
        size = math.prod(shape)
        held = self._held.get(name)
        if held is None or held.numel() < size:
            held = self._held[name] = self._new(size)
        return held[:size].view(shape)


def _every_fourth(maps: Tensor, dim: int, count: int) -> list[Tensor]:
    """Return six views along a dimension, each of every fourth entry, as tiles overlap."""
    length = TILE * (count - 1) + 1
    parts = [slice(first, first + length, TILE) for first in range(SEEN)]
    return [maps[(slice(None),) * dim + (part,)] for part in parts]


def _six_to_six(seen: list[Tensor], into: Tensor, spare: tuple[Tensor, Tensor]) -> None:
    one, other = spare
    torch.sub(seen[4], seen[2], alpha=4, out=one)
    torch.sub(seen[3], seen[1], alpha=4, out=other)
    torch.add(one, other, out=into[1])
    torch.sub(one, other, out=into[2])
    torch.sub(seen[4], seen[2], out=one)
    torch.sub(seen[3], seen[1], out=other)
    torch.add(one, other, alpha=2, out=into[3])
    torch.sub(one, other, alpha=2, out=into[4])
    torch.sub(seen[4], seen[2], alpha=5, out=into[0]).add_(seen[0], alpha=4)
    torch.sub(seen[5], seen[3], alpha=5, out=into[5]).add_(seen[1], alpha=4)


def _four_to_six(seen: list[Tensor], into: Tensor, spare: tuple[Tensor, Tensor]) -> None:
    one, other = spare
    torch.add(seen[0], seen[2], out=one)
    torch.add(seen[1], seen[3], out=other)
    torch.add(one, other, out=into[1])
    torch.sub(one, other, out=into[2])
    torch.add(seen[0], seen[2], alpha=4, out=one)
    torch.add(seen[1], seen[3], alpha=4, out=other)
    torch.add(one, other, alpha=2, out=into[3])
    torch.sub(one, other, alpha=2, out=into[4])
    into[0].copy_(seen[0])
    into[5].copy_(seen[3])


def _six_to_four(seen: list[Tensor], into: list[Tensor], spare: tuple[Tensor, Tensor]) -> None:
    one, other = spare
    torch.add(seen[1], seen[2], out=one)
    torch.add(seen[3], seen[4], out=other)
    torch.add(one, other, out=into[0]).add_(seen[0])
    torch.add(one, other, alpha=4, out=into[2])
    torch.sub(seen[1], seen[2], out=one)
    torch.sub(seen[3], seen[4], out=other)
    torch.add(one, other, alpha=2, out=into[1])
    torch.add(one, other, alpha=8, out=into[3]).add_(seen[5])
