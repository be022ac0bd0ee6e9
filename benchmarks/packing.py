"""Prediction with weights packed for oneDNN and without, for one size and for sizes in turn.

    OMP_NUM_THREADS=2 python benchmarks/packing.py [--precision fp32] [--repeats 15]

Faster R-CNN R50-FPN, 20 classes, 1,000 proposals, twice from the same weights; both predict the
same picture one after the other. "In turn": every picture has another size than the one before.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

import torch
from contenders import ours_config, picture, stock_model
from side_by_side import in_turn, machine, machine_line

from fishdet.allocator import keep_freed_memory
from fishdet.cli import exit_status
from fishdet.inference.network import Network
from fishdet.precision import precision_name, resolve_precision

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

    networks = {"as they lie": network(False), "packed": network(True)}
    for name, sizes in (("one size", SIZES[:1]), ("sizes in turn", SIZES)):
        made = {who: predicting(one, sizes) for who, one in networks.items()}
        in_turn(made, f"{name}, {precision_name(dtype)}", args.repeats, warm_up=2)


def predicting(network: Network, sizes: Sequence[tuple[int, int]]) -> Callable[[], Any]:
    """Return what predicts one prepared picture, each time of the next size."""
    samples = itertools.cycle([[network.prepare(picture(*size))] for size in sizes])
    return lambda: network._forward(next(samples))


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    sys.exit(exit_status(main))
