"""Prediction with weights packed for oneDNN and without, for one size and for sizes in turn.

    OMP_NUM_THREADS=2 python benchmarks/packing.py [--precision fp32] [--repeats 15]

Faster R-CNN R50-FPN, 20 classes, 1,000 proposals, twice from the same weights; both predict the
same picture one after the other. "In turn": every picture has another size than the one before.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from unittest import mock

import torch
from contenders import ours_config, picture, stock_model
from side_by_side import machine, machine_line

from fishdet.allocator import keep_freed_memory
from fishdet.cli import exit_status
from fishdet.inference.network import Network
from fishdet.precision import resolve_precision

CLASSES = 20
SIZES = ((480, 640), (448, 608), (512, 672))


def main() -> None:
    """Print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--precision", default="auto", help="fp32, bf16; auto: what is fast here")
    parser.add_argument("--repeats", type=int, default=15)
    args = parser.parse_args()
    print(machine_line(machine()))
    keep_freed_memory()
    dtype = resolve_precision(args.precision, "cpu")
    weights = stock_model(CLASSES, 1000).state_dict()

    def network(packs: bool) -> Network:
        cfg = ours_config(CLASSES, 1000, *SIZES[0])
        with mock.patch("fishdet.inference.held.packing_pays", lambda: packs):
            return Network(cfg, weights, "R50-FPN", device="cpu", dtype=dtype, classes=CLASSES,
                           batch_size=1)  # fmt: skip

    packed, plain = network(True), network(False)
    for name, sizes in (("one size", SIZES[:1]), ("sizes in turn", SIZES)):
        times: dict[bool, list[float]] = {True: [], False: []}
        for turn in range(-2, args.repeats):
            image = picture(*sizes[turn % len(sizes)])
            for packs, one in ((False, plain), (True, packed)):
                samples = [one.prepare(image)]
                began = time.perf_counter()
                one._forward(samples)
                if turn >= 0:
                    times[packs].append(time.perf_counter() - began)
        ratio = statistics.median(a / b for a, b in zip(times[True], times[False], strict=True))
        middle = {packs: statistics.median(seconds) * 1e3 for packs, seconds in times.items()}
        print(f"{name}, {dtype}: packed {middle[True]:.1f} ms, as they lie {middle[False]:.1f} ms, "
              f"ratio {ratio:.3f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    sys.exit(exit_status(main))
