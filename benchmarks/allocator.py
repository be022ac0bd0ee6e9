"""What keeping freed memory gains: ResNet-50 steps under glibc's defaults and ours, in turn.

``python benchmarks/allocator.py [--rounds 15]`` prints both medians and their ratio.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch
import torchvision
from side_by_side import Apart, in_turn, machine, machine_line

from fishdet.precision import autocast, resolve_precision

WARM_UP = 5  # rounds in which the heap grows


def steps() -> Callable[[], None]:
    """Return what makes one forward and backward pass."""
    dtype = resolve_precision("auto", "cpu")
    model = torchvision.models.resnet50().to(memory_format=torch.channels_last)
    images = torch.rand(4, 3, 192, 192).to(memory_format=torch.channels_last)

    def step() -> None:
        with autocast("cpu", dtype):
            loss = model(images).float().square().mean()
        loss.backward()
        model.zero_grad()

    return step


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    sides = {
        "glibc's defaults": Apart(steps, keeps_memory=False),
        "keep_freed_memory": Apart(steps, keeps_memory=True),
    }
    print(machine_line(machine()))
    in_turn(sides, f"ResNet-50, {resolve_precision('auto', 'cpu')}", rounds, WARM_UP)


if __name__ == "__main__":
    main()
