"""What a training is going to do and cost, before it does it."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass
from typing import Any

import torch
from mmcv.transforms import Compose
from mmengine.logging import print_log

from fishdet.runner import FishRunner

MEASURED_STEPS = 3


@dataclass(frozen=True)
class Measured:
    """A training that was built and run for a few steps; times in seconds."""

    loop: Any
    val: Any
    loading: float
    step: float

    @property
    def seconds(self) -> float:
        """Of the whole training at most, without evaluations."""
        return self.step * float(self.loop.max_iters)


def measure(runner: FishRunner) -> Measured:
    """Build everything and run a few steps of one batch on a throw-away state.

    The time of a step is the fastest after the first, which also pays for building kernels.
    """
    loop = runner.build_train_loop(runner._train_loop)
    runner._train_loop = loop
    _use_last_pipeline(runner, loop.dataloader.dataset)
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.call_hook("before_run")
    runner._init_model_weights()
    val = runner.build_val_loop(runner._val_loop) if runner._val_loop is not None else None
    started = time.perf_counter()
    batch = next(iter(loop.dataloader))
    loading = time.perf_counter() - started
    return Measured(loop, val, loading, min(measure_steps(runner, batch)[1:]))


def print_plan(runner: FishRunner) -> None:
    """Measure a few steps and print the plan."""
    found = measure(runner)
    rows = plan_rows(runner, found.loop, found.val, found.step)
    rows += [
        ("first batch loaded in", f"{found.loading:.1f} s"),
        ("memory, peak so far", peak_memory()),
    ]
    width = max(len(name) for name, _ in rows)
    print_log(
        "Plan (dry run, no model is saved)\n" + "\n".join(f"  {n:<{width}}  {v}" for n, v in rows)
    )


def _use_last_pipeline(runner: FishRunner, dataset: Any) -> None:
    """Measure at the full picture size where training starts smaller."""
    for hook in runner.cfg.get("custom_hooks") or []:
        if "switch_pipeline" in hook:
            dataset.pipeline = Compose(hook.switch_pipeline)


def measure_steps(runner: FishRunner, batch: Any) -> list[float]:
    """Return the seconds of each of a few training steps on one batch."""
    runner.model.train()
    runner.optim_wrapper.initialize_count_status(runner.model, 0, MEASURED_STEPS)
    times = []
    for _ in range(MEASURED_STEPS):
        started = time.perf_counter()
        runner.model.train_step(batch, optim_wrapper=runner.optim_wrapper)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return times


def plan_rows(runner: FishRunner, loop: Any, val: Any, step: float) -> list[tuple[str, str]]:
    """Return (name, value) rows: images, boxes a class, iterations, time."""
    dataset = loop.dataloader.dataset
    while hasattr(dataset, "dataset"):
        dataset = dataset.dataset
    counts = dataset.annotations.boxes_per_class().tolist()  # ignored ones name no species
    names = dataset.annotations.classes
    minutes = step * loop.max_iters / 60
    return [
        ("config", str(runner.cfg.filename)),
        ("training images", f"{len(dataset)} ({dataset.ann_file})"),
        ("validation images", str(len(val.dataloader.dataset)) if val else "none"),
        *((f"boxes of {name}", str(count)) for name, count in zip(names, counts, strict=True)),
        ("epochs × iterations", f"{loop.max_epochs} × {len(loop.dataloader)} = {loop.max_iters}"),
        ("batch size", str(loop.dataloader.batch_sampler.batch_size)),
        ("parameters", f"{sum(p.numel() for p in runner.model.parameters()) / 1e6:.1f} M"),
        ("precision", str(runner.cfg.get("precision"))),
        ("picture size, at most", " × ".join(map(str, runner.cfg.get("img_scale", ("?",))))),
        ("a step at full size takes", f"{step:.2f} s"),
        ("training takes at most about", f"{minutes:.0f} min, and the evaluations"),
    ]


def peak_memory() -> str:
    """Return the process's peak memory, and the GPU's where there is one."""
    text = f"{peak_gib():.1f} GiB"
    if torch.cuda.is_available():
        text += f", GPU {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB"
    return text


def peak_gib() -> float:
    """Return the most memory that this process has held, in GiB."""
    unit = 2**30 if sys.platform == "darwin" else 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
