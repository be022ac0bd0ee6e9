"""What keeping freed memory gains: ResNet-50 steps under glibc's defaults and ours, in turn.

``python benchmarks/allocator.py [--rounds 15]`` prints both medians and their ratio.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
import torchvision
from side_by_side import Apart

from fishdet.allocator import keep_freed_memory
from fishdet.environment import hardware
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
    keep_freed_memory()
    sides = {"glibc's defaults": Apart(steps), "keep_freed_memory": steps()}
    times: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(-WARM_UP, rounds):
        for name, run in sides.items():
            run()  # memory that was given back may have left the machine in the meantime
            started = time.perf_counter()
            run()
            if turn >= 0:
                times[name].append(time.perf_counter() - started)
    dtype = resolve_precision("auto", "cpu")
    print(
        f"{hardware()['cpu']}, {hardware()['cpu_capability']}, {dtype}, torch {torch.__version__}"
    )
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    for name, median in medians.items():
        print(f"{name:<20} {median * 1000:7.0f} ms (median of {rounds})")
    print(f"ratio {medians['keep_freed_memory'] / medians[next(iter(medians))]:.2f}")


if __name__ == "__main__":
    main()
