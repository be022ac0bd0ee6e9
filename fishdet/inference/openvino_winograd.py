"""Winograd's algorithm for the 3×3 convolutions of large maps in OpenVINO, which has none.

F(4×4, 3×3) (Lavin and Gray, 2016, https://arxiv.org/abs/1509.09308) makes 16 outputs of a channel
from 36 products in place of 144. OpenVINO runs all of it: slices that take every fourth row and
column, sums, and 36 convolutions of one pixel in place of one of nine. The graph is rewritten when
it is loaded; the file stays as every OpenVINO knows it. ``benchmarks/prediction.py`` has the gain.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

TILE = 4
FEWEST_CHANNELS = 256
FEWEST_TILES = 300  # of one picture; with fewer the sums take what the products save
MOST_THREADS = 8  # more wait for each other between so many small layers; measured: two
TYPICAL = (480, 640)  # height and width of the picture by which the sizes of maps are judged

_X86 = ("x86_64", "AMD64")
_KERNEL = np.array(
    [[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]], np.float64
) / 24  # fmt: skip


def use_winograd(model: Any, threads: int) -> int:
    """Rewrite the convolutions for which it pays, in place.

    Results differ by about 1e-5 of a map's largest number.

    Args:
        model: an ``openvino.Model`` from uint8 pictures (B, H, W, 3), computed in float32. One that
            is quantised stays as it is.
        threads: how many will run it.

    Returns:
        How many convolutions are rewritten.
    """
    if (
        platform.machine() not in _X86
        or threads > MOST_THREADS
        or any(op.get_type_name() == "FakeQuantize" for op in model.get_ops())
    ):
        return 0
    eligible = list(_plain_3x3(model))
    names = _of_large_maps(model) if eligible else set()
    large = [op for op in eligible if op.get_friendly_name() in names]
    for op in large:
        kernel = op.input_value(1).get_node().data
        made = _convolved(op.input_value(0), kernel)
        made.set_friendly_name(op.get_friendly_name())
        op.output(0).replace(made.output(0))
    return len(large)


def _plain_3x3(model: Any) -> Iterator[Any]:
    for op in model.get_ops():
        if op.get_type_name() != "Convolution":
            continue
        kernel, settings = op.input_value(1), op.get_attributes()
        ones = all(
            list(settings[name]) == [1, 1]
            for name in ("strides", "dilations", "pads_begin", "pads_end")
        )
        if (
            ones
            and settings["auto_pad"] == "explicit"
            and kernel.get_node().get_type_name() == "Constant"
            and kernel.get_element_type().get_type_name() == "f32"
            and list(kernel.get_shape())[2:] == [3, 3]
            and min(list(kernel.get_shape())[:2]) >= FEWEST_CHANNELS
        ):
            yield op


def _of_large_maps(model: Any) -> set[str]:
    """The names of convolutions whose maps are large enough for a picture as cameras make them."""
    copy = model.clone()
    try:
        copy.reshape([1, *TYPICAL, 3])
    except RuntimeError:  # a graph of somebody else's, with other inputs
        return set()
    found = set()
    for op in copy.get_ops():
        if op.get_type_name() == "Convolution" and op.output(0).get_partial_shape().is_static:
            height, width = list(op.output(0).get_shape())[2:]
            if -(-height // TILE) * -(-width // TILE) >= FEWEST_TILES:
                found.add(op.get_friendly_name())
    return found


def _convolved(maps: Any, kernel: np.ndarray) -> Any:
    """Return the node that convolves (B, C, H, W) with (K, C, 3, 3) and padding 1."""
    from openvino import opset13 as ops

    taps = kernel.transpose(2, 3, 0, 1).reshape(9, -1)
    factors = (np.kron(_KERNEL, _KERNEL) @ taps).astype(np.float32)
    factors = factors.reshape(TILE + 2, TILE + 2, *kernel.shape[:2], 1, 1)
    height, width = (_side(ops, maps, axis) for axis in (2, 3))
    rest = [ops.add(_rest(ops, side), _whole(ops, 1)) for side in (height, width)]
    padded = ops.pad(
        maps, _whole(ops, 0, 0, 1, 1), ops.concat([_whole(ops, 0, 0), *rest], 0), "constant",
        ops.constant(np.float32(0)),
    )  # fmt: skip
    columns: list[list[Any]] = []  # of each row of factors: four columns of outputs
    for of_row, row in zip(factors, _six_to_six(ops, _every_fourth(ops, padded, 2)), strict=True):
        seen = _six_to_six(ops, _every_fourth(ops, row, 3))
        products = [
            ops.convolution(one, ops.constant(factor), [1, 1], [0, 0], [0, 0], [1, 1])
            for one, factor in zip(seen, of_row, strict=True)
        ]
        columns.append(_six_to_four(ops, products))
    rows = [_six_to_four(ops, column) for column in zip(*columns, strict=True)]
    places = [rows[column][row] for row in range(TILE) for column in range(TILE)]
    whole = ops.depth_to_space(ops.concat(places, 1), "blocks_first", TILE)
    return ops.slice(
        whole, _whole(ops, 0, 0), ops.concat([height, width], 0), _whole(ops, 1, 1),
        _whole(ops, 2, 3),
    )  # fmt: skip


def _whole(ops: Any, *numbers: int) -> Any:
    return ops.constant(np.array(numbers, np.int64))


def _side(ops: Any, maps: Any, axis: int) -> Any:
    return ops.gather(ops.shape_of(maps), _whole(ops, axis), _whole(ops, 0))


def _rest(ops: Any, side: Any) -> Any:
    """How many pixels are missing to whole tiles."""
    over = ops.floor_mod(side, _whole(ops, TILE))
    return ops.floor_mod(ops.subtract(_whole(ops, TILE), over), _whole(ops, TILE))


def _every_fourth(ops: Any, maps: Any, axis: int) -> list[Any]:
    """Return six slices along an axis, each of every fourth entry, as tiles overlap."""
    stops = [first - (TILE + 1) for first in range(TILE + 1)]  # counted from the end
    step, of = _whole(ops, TILE), _whole(ops, axis)
    return [
        ops.slice(maps, _whole(ops, first), _whole(ops, stop), step, of)
        for first, stop in enumerate([*stops, np.iinfo(np.int64).max])
    ]


def _times(ops: Any, maps: Any, number: float) -> Any:
    return ops.multiply(maps, ops.constant(np.float32(number)))


def _six_to_six(ops: Any, seen: Sequence[Any]) -> list[Any]:
    even = ops.subtract(seen[4], _times(ops, seen[2], 4))
    odd = ops.subtract(seen[3], _times(ops, seen[1], 4))
    near = ops.subtract(seen[4], seen[2])
    twice = _times(ops, ops.subtract(seen[3], seen[1]), 2)
    return [
        ops.add(even, ops.subtract(_times(ops, seen[0], 4), seen[2])),
        ops.add(even, odd),
        ops.subtract(even, odd),
        ops.add(near, twice),
        ops.subtract(near, twice),
        ops.subtract(ops.subtract(seen[5], seen[3]), _times(ops, twice, 2)),
    ]


def _six_to_four(ops: Any, seen: Sequence[Any]) -> list[Any]:
    one, other = ops.add(seen[1], seen[2]), ops.add(seen[3], seen[4])
    less, twice = ops.subtract(seen[1], seen[2]), _times(ops, ops.subtract(seen[3], seen[4]), 2)
    return [
        ops.add(ops.add(seen[0], one), other),
        ops.add(less, twice),
        ops.add(one, _times(ops, other, 4)),
        ops.add(ops.add(less, _times(ops, twice, 4)), seen[5]),
    ]
