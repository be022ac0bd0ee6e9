"""How the cost of a prediction grows, and how near it comes to what the machine can do.

    OMP_NUM_THREADS=2 python benchmarks/growth.py [--quick]

Faster R-CNN R50-FPN with random weights in fp32. One of picture size, proposals, classes and batch
varies, the others stay; a line t = a + b·x is fitted by least squares, with its R². The limit: the
fastest convolution (3×3, 256 channels) and matrix product that PyTorch reaches here, in GFLOP/s,
and a copy's GB/s; the floating-point operations of a prediction (``torch.utils.flop_counter``, a
multiply-add as two) over its time are the share of it that is reached. Of a training step likewise,
and what it would take at the convolution's peak with nothing else to do.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import training
from contenders import ours_config, picture, stock_model
from side_by_side import add_common, in_turn, machine, machine_line, record
from torch.utils.flop_counter import FlopCounterMode

from fishdet.cli import exit_status
from fishdet.inference.network import Network
from fishdet.precision import cpu_has_bf16

BASE = {"height": 320, "proposals": 1000, "classes": 20, "batch": 1}
AXES: dict[str, Sequence[int]] = {
    "height": (192, 320, 480, 640),
    "proposals": (100, 300, 600, 1000),
    "classes": (1, 20, 80, 200),
    "batch": (1, 2, 4),
}
QUICK: dict[str, Sequence[int]] = {"height": (96, 128), "proposals": (50, 100)}
UNITS = {
    "height": "million pixels",
    "proposals": "thousand",
    "classes": "hundred",
    "batch": "picture",
}
SCALE = {"proposals": 1e3, "classes": 1e2, "batch": 1.0}


def main() -> None:
    """Measure, fit and print."""
    args = parse_args()
    print(machine_line(machine()))
    lines = ["| what grows | values | seconds | fit | R² |", "|---|---|---|---|---|"]
    with torch.inference_mode():
        for axis, values in (QUICK if args.quick else AXES).items():
            seconds = [prediction(axis, value, args.repeats) for value in values]
            lines.append(fitted(axis, values, seconds))
            print(lines[-1], flush=True)
        more = limit(128 if args.quick else 480, args.repeats)
    print(more)
    steps = training_limits([(128, 128)] if args.quick else [(320, 320), (480, 640)], args.repeats)
    print(steps)
    record(args.json, [], lines=["\n".join(lines), more, steps])


def parse_args() -> argparse.Namespace:
    """Parse how often each is timed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_common(parser)
    args = parser.parse_args()
    args.repeats = min(args.repeats, 2) if args.quick else args.repeats
    return args


def network(height: int, proposals: int, classes: int, batch: int, plain: bool = False) -> Network:
    """Return the network for pictures of 4:3."""
    stock = stock_model(classes, proposals)
    cfg = ours_config(classes, proposals, height, height * 4 // 3)
    return Network(
        cfg, stock.state_dict(), "benchmark", device="cpu", dtype=torch.float32, classes=classes,
        batch_size=batch, plain=plain,
    )  # fmt: skip


def prediction(axis: str, value: int, repeats: int) -> float:
    """Return the seconds of a prediction, the fastest of some runs."""
    sizes = {**BASE, axis: value}
    built = network(**sizes)
    height = sizes["height"]
    pictures = [picture(height, height * 4 // 3, seed) for seed in range(sizes["batch"])]
    return fastest(lambda: built(pictures), repeats)


def fastest(run: Callable[[], Any], repeats: int) -> float:
    """Return the least seconds of ``repeats`` runs, after one that builds kernels.

    The least, as the limit is what the machine can do and not what else it did meanwhile.
    """
    run()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return min(times)


def fitted(axis: str, values: Sequence[int], seconds: Sequence[float]) -> str:
    """Return a line of the table."""
    x = np.array([v * v * 4 / 3 / 1e6 if axis == "height" else v / SCALE[axis] for v in values])
    y = np.array(seconds)
    slope, start = np.polyfit(x, y, 1)
    spread = ((y - y.mean()) ** 2).sum()
    fit = 1 - ((y - start - slope * x) ** 2).sum() / spread if spread else 1.0
    return (
        f"| {axis} | {', '.join(map(str, values))} | {', '.join(f'{s:.2f}' for s in seconds)} | "
        f"{start:.2f} s + {slope:.2f} s a {UNITS[axis]} | {fit:.3f} |"
    )


def limit(height: int, repeats: int) -> str:
    """Return the machine's measured peaks and the share that a prediction reaches."""
    width = height * 4 // 3
    built = network(height, 1000, 20, 1)
    pictures = [picture(height, width)]
    seconds = fastest(lambda: built(pictures), repeats)
    counted = network(height, 1000, 20, 1, plain=True)  # Winograd's operations are not counted
    with FlopCounterMode(display=False) as counter:
        counted(pictures)
    rate = counter.get_total_flops() / seconds / 1e9
    conv, product, copy = peaks(repeats)
    return (
        f"Measured peaks: convolution {conv:.0f} GFLOP/s, matrix product {product:.0f} GFLOP/s, "
        f"copy {copy:.1f} GB/s. A prediction at {height}×{width} is "
        f"{counter.get_total_flops() / 1e9:.0f} GFLOP by direct convolutions, in {seconds:.2f} s "
        f"({built.engine}): {rate:.0f} GFLOP/s, {rate / conv:.0%} of the convolution's peak."
    )


def training_limits(sizes: Sequence[tuple[int, int]], repeats: int) -> str:
    """Return as Markdown what a training step is made of, and what of torchvision's would be left.

    The operations are those of our step by direct convolutions: its RPN has gradients at sampled
    places alone. torchvision's in bf16 has channels_last.
    """
    lines = [
        "| training step, two pictures | GFLOP | convolution's peak | at the peak | ours | "
        "torchvision | ours of it | at the peak of it |",
        "|---|---|---|---|---|---|---|---|",
    ]
    kinds = {"fp32": ("torchvision, fp32", torch.float32)}
    if cpu_has_bf16():
        kinds["bf16"] = ("torchvision, bf16, channels_last", torch.bfloat16)
    for size in sizes:
        args = argparse.Namespace(batch=2, finetune=False, bf16=True)
        run = training.alone(args, size, "fishdet, bf16")
        with FlopCounterMode(display=False) as counter:
            run()
        flops = counter.get_total_flops()
        for kind, (theirs, dtype) in kinds.items():
            made = {n: training.apart(args, size, n) for n in (theirs, f"fishdet, {kind}")}
            rows = in_turn(made, f"{size[0]}×{size[1]}, batch 2", repeats, training.WARM_UP)
            seconds = {row.name: statistics.median(row.seconds) for row in rows}
            peak = convolution_peak(repeats, dtype)
            ours, other, least = seconds[f"fishdet, {kind}"], seconds[theirs], flops / peak / 1e9
            lines.append(
                f"| {size[0]}×{size[1]}, {kind} | {flops / 1e9:.0f} | {peak:.0f} GFLOP/s | "
                f"{least:.2f} s | {ours:.2f} s | {other:.2f} s | {ours / other:.2f} | "
                f"{least / other:.2f} |"
            )
    return "\n".join(lines)


def convolution_peak(repeats: int, dtype: torch.dtype = torch.float32) -> float:
    """Return GFLOP/s of a convolution (3×3, 256 channels)."""
    order = torch.channels_last
    layer = torch.nn.Conv2d(256, 256, 3, padding=1).to(dtype).to(memory_format=order)
    maps = torch.randn(1, 256, 120, 160, dtype=dtype).to(memory_format=order)
    with torch.no_grad():
        return 2 * 256 * 256 * 9 * 120 * 160 / fastest(lambda: layer(maps), repeats) / 1e9


def peaks(repeats: int) -> tuple[float, float, float]:
    """Return GFLOP/s of a convolution and of a matrix product, GB/s of a copy (both ways)."""
    conv = convolution_peak(repeats)
    square = torch.randn(1024, 1024)
    product = 2 * 1024**3 / fastest(lambda: square @ square, repeats) / 1e9
    source, target = torch.zeros(2**26), torch.zeros(2**26)
    copy = 2 * 4 * 2**26 / fastest(lambda: target.copy_(source), repeats) / 1e9
    return conv, product, copy


if __name__ == "__main__":
    sys.exit(exit_status(main))
