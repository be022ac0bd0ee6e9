"""What keeping freed memory gains: ResNet-50 steps under glibc's defaults and ours, in turn.

``python benchmarks/allocator.py [--rounds 15]`` prints both medians and their ratio.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
import torchvision
from side_by_side import give_memory_back

from fishdet.allocator import keep_freed_memory
from fishdet.environment import hardware
from fishdet.precision import autocast, resolve_precision


def step_seconds(model: torch.nn.Module, images: torch.Tensor, dtype: torch.dtype) -> float:
    """Return the seconds of one forward and backward pass."""
    started = time.perf_counter()
    with autocast("cpu", dtype):
        loss = model(images).float().square().mean()
    loss.backward()
    model.zero_grad()
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    dtype = resolve_precision("auto", "cpu")
    model = torchvision.models.resnet50().to(memory_format=torch.channels_last)
    images = torch.rand(4, 3, 192, 192).to(memory_format=torch.channels_last)
    times: dict[str, list[float]] = {"glibc's defaults": [], "keep_freed_memory": []}
    for _ in range(rounds):
        prepared = (give_memory_back, keep_freed_memory)
        for seconds, prepare in zip(times.values(), prepared, strict=True):
            prepare()
            step_seconds(model, images, dtype)
            seconds.append(step_seconds(model, images, dtype))
    print(
        f"{hardware()['cpu']}, {hardware()['cpu_capability']}, {dtype}, torch {torch.__version__}"
    )
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    for name, median in medians.items():
        print(f"{name:<20} {median * 1000:7.0f} ms (median of {rounds})")
    print(f"ratio {medians['keep_freed_memory'] / medians[next(iter(medians))]:.2f}")


if __name__ == "__main__":
    main()
