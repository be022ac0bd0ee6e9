"""Training steps of a config, counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fishdet.plan import measure
from fishdet.runner import FishRunner

from .clock import StageClock
from .stages import Found, counting, model_methods


def training_pass(runner: FishRunner, steps: int) -> Callable[[StageClock], None]:
    """Return what trains ``steps`` steps on a throw-away state and counts on a clock.

    Pictures are loaded in this process, so that loading and transforms show; workers would do
    that beside the network's work.
    """
    found = measure(runner)  # builds all parts and pays for kernels
    loader = found.loop.dataloader
    dataset, wrapper = loader.dataset, runner.optim_wrapper
    methods = [
        *model_methods(runner.model),
        (wrapper, "backward", "backward"),
        (wrapper, "step", "optimiser"),
        (wrapper, "zero_grad", "optimiser"),
    ]
    runner.model.train()

    def run(clock: StageClock) -> None:
        wrapper.initialize_count_status(runner.model, 0, steps)
        with counting(clock, methods), counted_loading(clock, dataset), clock.stage("other"):
            batches = iter(loader)
            for _ in range(steps):
                with clock.stage("collate"):
                    batch, batches = _next(batches, loader)
                runner.model.train_step(batch, optim_wrapper=wrapper)

    return run


def _next(batches: Iterator[Any], loader: Any) -> tuple[Any, Iterator[Any]]:
    """Return the next batch, from the beginning where a small data set has come to its end."""
    try:
        return next(batches), batches
    except StopIteration:
        batches = iter(loader)
        return next(batches), batches


@contextmanager
def counted_loading(clock: StageClock, dataset: Any) -> Iterator[None]:
    """Count the transforms of a data set: those that load as "load", the rest as "transform"."""
    while not hasattr(dataset, "pipeline") and hasattr(dataset, "dataset"):
        dataset = dataset.dataset
    steps = dataset.pipeline.transforms
    methods: list[Found] = [
        (step, "transform", "load" if type(step).__name__.startswith("LoadImage") else "transform")
        for step in steps
        if hasattr(step, "transform")
    ]
    with counting(clock, methods):
        yield
