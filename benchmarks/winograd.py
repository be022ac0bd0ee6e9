"""3×3 convolutions in fp32: PyTorch's own and by Winograd's algorithm, in turn.

    OMP_NUM_THREADS=2 python benchmarks/winograd.py [--sizes 256x120x160x2 128x60x80x2]
    OMP_NUM_THREADS=2 python benchmarks/winograd.py --networks [--picture 480x640]

A size is channels, height, width and pictures. "Prediction" is a convolution without gradients, for
which the kernels are transformed beforehand; "training" is one forward and backward pass. Where the
ratio is below 1, ``tvops.winograd`` should take the convolution, and does on the CPUs that
``where_winograd_pays`` names. ``ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2`` shows what a CPU
with AVX2 alone would do with it.

``--networks``: Faster R-CNN R50-FPN with it and without, as it predicts one picture in PyTorch and
in OpenVINO and as it trains on two.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import prediction
import torch
import training
from prediction import size_of
from side_by_side import Apart, Row, add_common, in_turn, machine, machine_line, record

from fishdet.allocator import keep_freed_memory
from fishdet.cli import exit_status
from tvops.winograd import WinogradConv2d, where_winograd_pays

EXPORTED = "fishdet exported, OpenVINO, fp32"
# R50-FPN's at 480×640: pyramid and RPN from P2 on, then the stages
SIZES = (
    "256x120x160x2", "256x60x80x2", "256x30x40x2", "256x15x20x2", "256x8x10x2",
    "64x120x160x2", "128x60x80x2", "512x15x20x2", "256x120x160x1", "256x60x80x1", "256x30x40x1",
    "64x120x160x1", "128x60x80x1", "512x15x20x1",
)  # fmt: skip


def main() -> None:
    """Print times and ratios of each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_common(parser)
    parser.add_argument("--sizes", nargs="+", type=_size, default=[_size(text) for text in SIZES])
    parser.add_argument("--networks", action="store_true", help="whole networks instead")
    parser.add_argument("--picture", type=size_of, default=(480, 640), help="their HEIGHTxWIDTH")
    args = parser.parse_args()
    if args.quick:
        args.sizes, args.repeats, args.picture = [_size("64x16x20x1")], 2, (128, 160)
    print(machine_line(machine()))
    print(f"taken from here on: {where_winograd_pays()}")
    keep_freed_memory()
    torch.manual_seed(0)
    record(args.json, _networks(args) if args.networks else _layers(args))


def _layers(args: argparse.Namespace) -> list[Row]:
    rows: list[Row] = []
    for channels, height, width, pictures in args.sizes:
        maps = torch.randn(pictures, channels, height, width)
        maps = maps.to(memory_format=torch.channels_last).requires_grad_()
        plain, ours = (_layer(channels, kind) for kind in (torch.nn.Conv2d, WinogradConv2d))
        size = f"{channels} channels, {height}×{width}, batch {pictures}"
        for name, made in (
            ("prediction", {"PyTorch": _predict(plain, maps), "Winograd": _held(ours, maps)}),
            ("training", {"PyTorch": _train(plain, maps), "Winograd": _train(ours, maps)}),
        ):
            rows += in_turn(made, f"{name}, {size}", args.repeats, warm_up=2)
    return rows


def _networks(args: argparse.Namespace) -> list[Row]:
    height, width = args.picture
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        case = argparse.Namespace(
            proposals=1000, compile=False, bf16=False, batch=2, finetune=False, quick=args.quick
        )
        files = (case, args.picture, 1, Path(folder))
        prediction.write_apart(*files, prediction.FILES[EXPORTED])
        for name, build, batch in (
            ("fishdet, fp32", partial(prediction.alone, *files, "fishdet, fp32"), 1),
            (EXPORTED, partial(prediction.alone, *files, EXPORTED), 1),
            ("training, fp32", partial(training.alone, case, args.picture, "fishdet, fp32"), 2),
        ):
            made = {
                f"{name}, {words}": Apart(_built, build, used, keeps_memory=True)
                for words, used in (("PyTorch's or OpenVINO's own", False), ("Winograd", True))
            }
            size = f"{height}×{width}, batch {batch}"
            rows += in_turn(made, size, args.repeats, warm_up=2)
    return rows


def _built(build: Callable[[], Any], used: bool) -> Any:
    """Build a contender with Winograd's algorithm or without."""
    if used:
        return build()
    with (
        patch("fishdet.models.arrangement.where_winograd_pays", lambda: None),
        patch("fishdet.inference.sessions.use_winograd", lambda *_: 0),
    ):
        return build()


def _size(text: str) -> tuple[int, ...]:
    parts = text.split("x")
    if len(parts) != 4 or not all(part.isdigit() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no CHANNELSxHEIGHTxWIDTHxPICTURES")
    return tuple(int(part) for part in parts)


def _layer(channels: int, kind: Any) -> Any:
    layer = kind(channels, channels, 3, padding=1).to(memory_format=torch.channels_last)
    if kind is WinogradConv2d:
        layer.fewest_tiles = 0
    return layer


def _predict(layer: Any, maps: torch.Tensor) -> Callable[[], Any]:
    def run() -> None:
        with torch.inference_mode():
            layer(maps)

    return run


def _held(layer: Any, maps: torch.Tensor) -> Callable[[], Any]:
    def run() -> None:
        with torch.inference_mode():
            layer.convolve_held(maps)

    return run


def _train(layer: Any, maps: torch.Tensor) -> Callable[[], Any]:
    upstream = torch.randn_like(maps)

    def run() -> None:
        layer.zero_grad()
        maps.grad = None
        layer(maps).backward(upstream)

    return run


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
