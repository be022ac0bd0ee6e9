"""From uint8 pixels to the network's input: resize, pad, normalise, inside the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fishdet.errors import FishdetError

from .sizes import size

_IGNORED = ("LoadImageFromNDArray", "LoadAnnotations", "PackDetInputs")
_UNITS = 2048  # OpenCV's fixed-point weights of linear interpolation (INTER_RESIZE_COEF_SCALE)
_WHOLE = tuple(2**bit for bit in range(13))  # what costs a position a bit of its part each
_FINER = tuple(2**bit for bit in range(13, -1, -1))  # into how many parts it divides a 2048th


@dataclass(frozen=True)
class Prepared:
    """What the network and the boxes need.

    Attributes:
        inputs: float32 (B, 3, H, W), padded.
        limits: float32 (4,), width, height, width, height that boxes are clipped to.
        scale: float32 (4,), by which boxes grew: x, y, x, y.
    """

    inputs: Tensor
    limits: Tensor
    scale: Tensor


class Pixels(nn.Module):
    """The test pipeline and the data preprocessor of a config.

    Resizing gives OpenCV's ``INTER_LINEAR`` of uint8 pictures but for at most one value
    in ten thousand, which is 1 too large, so the network sees what it sees in training.

    Args:
        steps: the test pipeline, loading and packing included.
        preprocessor: the model's ``DetDataPreprocessor``.

    Raises:
        FishdetError: a step, or a setting of one, that has no counterpart here.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, steps: Sequence[Mapping[str, Any]], preprocessor: Any) -> None:
        super().__init__()
        named = [(str(step["type"]).rpartition(".")[2], dict(step)) for step in steps]
        self.steps = [(name, step) for name, step in named if name not in _IGNORED]
        for name, step in self.steps:
            _require_known(name, step)
        self.swap = bool(getattr(preprocessor, "_channel_conversion", False))
        self.divisor = int(getattr(preprocessor, "pad_size_divisor", 1))
        self.pad_value = float(getattr(preprocessor, "pad_value", 0))
        normal = bool(getattr(preprocessor, "_enable_normalize", False))
        mean = preprocessor.mean.detach().flatten() if normal else torch.zeros(3)
        std = preprocessor.std.detach().flatten() if normal else torch.ones(3)
        self.register_buffer("mean", mean.reshape(1, 3, 1, 1).float().cpu())
        self.register_buffer("std", std.reshape(1, 3, 1, 1).float().cpu())

    def forward(self, images: Tensor) -> Prepared:
        """Return the network's input for pictures of one size, uint8 BGR (B, H, W, 3)."""
        shape = torch.stack([size(images, 1), size(images, 2)])
        planes, scaled = images.permute(0, 3, 1, 2), shape
        if self.swap:
            planes = planes.flip(1)
        planes = planes.float()
        for name, step in self.steps:
            if name == "Resize":
                target = resized_shape(scaled, step["scale"], step.get("keep_ratio", False))
                planes, scaled = resize(planes, scaled, target), target
            else:
                planes = _padded(planes, step, swapped=self.swap)
        inputs = (planes - self.mean) / self.std
        limits = torch.stack([size(inputs, 3), size(inputs, 2)]).float().repeat(2)
        scale = (scaled.float() / shape.float()).flip(0).repeat(2)
        return Prepared(_to_multiple(inputs, self.divisor, self.pad_value), limits, scale)


def resized_shape(shape: Tensor, scale: Any, keep_ratio: bool) -> Tensor:
    """Return the height and width, int64 (2,), that ``Resize`` gives a picture of ``shape`` (2,).

    Args:
        scale: (width, height); with ``keep_ratio`` the longer is the most for the longer side.
    """
    width, height = (scale, scale) if isinstance(scale, int) else scale
    if not keep_ratio:
        return torch.tensor([height, width]) + shape * 0
    long, short = max(width, height), min(width, height)
    larger, smaller = shape.max(), shape.min()
    by_long = long * smaller <= short * larger
    numerator = torch.where(by_long, torch.tensor(long), torch.tensor(short))
    denominator = torch.where(by_long, larger, smaller)
    # int(side * factor + 0.5) in whole numbers, free of rounding
    return _quotient(2 * shape * numerator + denominator, 2 * denominator)


def resize(planes: Tensor, shape: Tensor, target: Tensor) -> Tensor:
    """Resize whole-number pixels as OpenCV does.

    OpenCV's integer arithmetic (modules/imgproc/src/resize.cpp, HResizeLinear, VResizeLinear):
    weights of 11 bits; the sum of a row is shortened by 4 bits, that of a column by 16, and two
    bits are rounded. A row's sum is whole and below 2^24, so float32 holds it exactly; a column's
    products have up to 27 bits, and where the last ones are all set rounding carries: at most
    one value in ten thousand is 1 too large.

    Args:
        planes: float32 (B, C, H, W), whole numbers 0 to 255.
        shape: int64 (2,), height and width.
        target: the same, wanted.

    Returns:
        float32 (B, C, H', W'), whole numbers.
    """
    left, right, of_left, of_right = _weights(shape[1], target[1], rows=False)
    upper, lower, of_upper, of_lower = _weights(shape[0], target[0], rows=True)
    row = planes.index_select(3, left) * (of_left / 16)
    row = torch.floor(row + planes.index_select(3, right) * (of_right / 16))
    above = torch.floor(row.index_select(2, upper) * (of_upper / 65536)[:, None])
    below = torch.floor(row.index_select(2, lower) * (of_lower / 65536)[:, None])
    return torch.floor((above + below) * 0.25 + 0.5)


def _weights(source: Tensor, target: Tensor, rows: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pixel before, pixel after and their weights in 2048ths, of each place on an axis.

    OpenCV rounds the position to float32, which keeps 23 bits less those of its whole part, and
    then its part to 2048ths. Both are done in whole numbers of less than 2^31, which all runtimes
    hold, for sides of up to 8,191 pixels: OpenVINO divides floats by multiplying with the
    reciprocal, whose error would show.
    Beyond the first and the last pixel OpenCV takes a column whole, and a row twice with the
    weights of its place.
    """
    place, step = torch.arange(_open(target)), 2 * target
    doubled = (2 * place + 1) * source - target
    pixel = _quotient(doubled, step)
    units, rest = _divided((doubled - pixel * step) * _UNITS, step)
    finer = torch.tensor(_FINER).index_select(0, (pixel[:, None] >= torch.tensor(_WHOLE)).sum(1))
    parts, rest = _divided(rest * finer, step)
    parts = parts + _rounds_up(2 * rest, step, parts)
    share = units + _rounds_up(2 * parts, finer, units)
    if not rows:
        share = share * torch.logical_and(pixel >= 0, pixel < source - 1).long()
    before = torch.minimum(pixel.clamp(min=0), source - 1)
    after = torch.minimum((pixel + 1).clamp(min=0), source - 1)
    return before, after, (_UNITS - share).float(), share.float()


def _divided(value: Tensor, by: Tensor) -> tuple[Tensor, Tensor]:
    whole = _quotient(value, by)
    return whole, value - whole * by


def _rounds_up(doubled: Tensor, by: Tensor, whole: Tensor) -> Tensor:
    """Return 1 where ``whole`` and a rest of ``doubled / 2`` in ``by`` round up, half to even."""
    odd = (whole - 2 * _quotient(whole, torch.tensor(2))) == 1
    half = torch.logical_and(doubled == by, odd)
    return torch.logical_or(doubled > by, half).long()


def _padded(planes: Tensor, step: Mapping[str, Any], *, swapped: bool) -> Tensor:
    value = step.get("pad_val", 0)
    value = value.get("img", 0) if isinstance(value, Mapping) else value
    colours = [float(v) for v in value] if isinstance(value, Sequence) else [float(value)] * 3
    colours = colours[::-1] if swapped else colours  # given as BGR
    shape = torch.stack([size(planes, 2), size(planes, 3)])
    if step.get("size") is not None:
        width, height = step["size"]
        extra = torch.tensor([height, width]) - shape
    else:
        extra = _missing(shape, int(step["size_divisor"]))
    down, right = (_open(extra[axis].clamp(min=0)) for axis in (0, 1))
    padded = [F.pad(planes[:, i], (0, right, 0, down), value=colours[i]) for i in range(3)]
    return torch.stack(padded, dim=1)


def _to_multiple(inputs: Tensor, divisor: int, value: float) -> Tensor:
    if divisor <= 1:
        return inputs
    extra = _missing(torch.stack([size(inputs, 2), size(inputs, 3)]), divisor)
    return F.pad(inputs, (0, _open(extra[1]), 0, _open(extra[0])), value=value)


def _missing(shape: Tensor, divisor: int) -> Tensor:
    return _quotient(shape + divisor - 1, torch.tensor(divisor)) * divisor - shape


def _quotient(value: Tensor, by: Tensor) -> Tensor:
    return torch.div(value, by, rounding_mode="floor")


def _open(value: Tensor) -> Any:
    return value if torch.jit.is_tracing() else int(value)


def _require_known(name: str, step: Mapping[str, Any]) -> None:
    if name not in ("Resize", "Pad"):
        raise FishdetError(
            f"test pipeline: {name} has no counterpart in an exported graph; Resize and Pad have"
        )
    if name == "Resize":
        wrong = {"backend": "cv2", "interpolation": "bilinear"}
        for key, only in wrong.items():
            if step.get(key, only) != only:
                raise FishdetError(f"test pipeline: Resize.{key} {step[key]!r}: {only!r} exports")
        if step.get("scale") is None:
            raise FishdetError("test pipeline: Resize without scale does not export; give scale")
    if name == "Pad" and (
        step.get("pad_to_square") or step.get("padding_mode", "constant") != "constant"
    ):
        raise FishdetError("test pipeline: Pad exports with size or size_divisor, constant only")
