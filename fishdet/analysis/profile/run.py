"""What stands behind ``tools/analysis/profile.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from fish_dataset.cores import usable_cores
from fish_dataset.files import require_writable, write_atomic
from fish_dataset.progress import track
from fishdet.checkpoint.loading import resolve
from fishdet.inference.detector import Detector
from fishdet.inference.inputs import find_images
from fishdet.precision import cpu_has_bf16, precision_name
from fishdet.training import TrainOptions, training_config

from .advice import advice
from .clock import Stage, StageClock
from .exported import operator_times
from .prediction import prediction_pass
from .stages import ORDER
from .training import training_pass

DEAREST = 12  # operators that are shown
LIGHT = 6_000_000  # weights of a backbone that is small already; EfficientNet-Lite0 has 3.4 million


@dataclass(frozen=True)
class Profile:
    """What was counted.

    Attributes:
        stages: time of each stage over ``units`` pictures or steps, in the pipeline's order.
        peaks: bytes held at most in each stage, of a pass of its own; 0 where unknown.
        unit: "picture" or "step".
        units: how many.
        operators: the dearest operators of what runs the model, (name, seconds of their own,
            calls), of one pass under its profiler, which itself takes time.
        advice: what to try.
        trace: the file for Perfetto (https://ui.perfetto.dev).
    """

    stages: dict[str, Stage]
    peaks: dict[str, int]
    unit: str
    units: int
    operators: list[tuple[str, float, int]]
    advice: list[str]
    trace: Path | None


def profile_prediction(
    model: str,
    pictures: Path,
    *,
    repeats: int = 3,
    batch: int = 1,
    most: int = 8,
    trace: Path | None = None,
    **settings: Any,
) -> Profile:
    """Profile a detector on the first ``most`` pictures of a folder.

    Args:
        model: as ``Detector`` takes it; ``settings`` are its other arguments.
        pictures: a picture or a folder of them.
        repeats: passes that are timed, after one that is not.
        batch: pictures at once.
        most: pictures at most.
        trace: file to write for Perfetto.

    Raises:
        FishdetError: no pictures, or what ``Detector`` raises.
    """
    if trace is not None:
        require_writable(trace.parent, "--trace")
    detector = Detector(model, batch_size=batch, runtime="named", **settings)
    files = [found.path for found in find_images([str(pictures)])[:most]]
    run = prediction_pass(detector, files, batch)
    exported = not hasattr(detector.network, "model")
    facts = {
        "device": detector.device.split(":")[0],
        "precision": "" if exported else precision_name(detector.network.dtype),
        "bf16": cpu_has_bf16(),
        "shapes": len({tuple(detector.read(file).shape[:2]) for file in files}),
        "exported": exported or resolve(model).with_suffix(".xml").is_file(),
        **_of_network(getattr(detector.network, "model", None)),
    }
    found = _profiled(run, "picture", len(files), repeats, detector.device, facts, trace)
    times = operator_times(Path(model), [detector.read(f) for f in files]) if exported else None
    return found if times is None else replace(found, operators=times[:DEAREST])


def profile_training(
    options: TrainOptions, *, steps: int = 5, trace: Path | None = None
) -> Profile:
    """Profile ``steps`` training steps of a config; nothing is saved.

    Raises:
        FishdetError, FishDataError: as ``tools/train.py``.
    """
    from fishdet.runner import build_runner

    if trace is not None:
        require_writable(trace.parent, "--trace")
    cfg, _ = training_config(options)
    cfg.train_dataloader.update(num_workers=0, persistent_workers=False)
    for name in ("prefetch_factor", "timeout"):  # torch allows neither without workers
        cfg.train_dataloader.pop(name, None)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        cfg.work_dir = scratch
        runner = build_runner(cfg)
        run = training_pass(runner, steps)
        facts = {
            "device": device, "precision": cfg.get("precision"), "bf16": cpu_has_bf16(),
            **_of_network(runner.model),
        }  # fmt: skip
        return _profiled(run, "step", steps, 1, device, facts, trace)


def _profiled(
    run: Callable[[StageClock], None],
    unit: str,
    count: int,
    repeats: int,
    device: str,
    facts: Mapping[str, object],
    trace: Path | None,
) -> Profile:
    clock, memory = StageClock(device=device), StageClock(memory=True, device=device)
    operators: list[tuple[str, float, int]] = []
    passes = [
        lambda: run(StageClock(device=device)),  # kernels are built here
        *[lambda: run(clock)] * repeats,
        lambda: run(memory),
        lambda: operators.extend(_traced(run, device, trace)),
    ]
    for go in track(passes, len(passes), f"passes over {count} {unit}s"):
        go()
    stages = dict(sorted(clock.stages.items(), key=lambda item: _place(item[0])))
    peaks = {name: stage.peak for name, stage in memory.stages.items()}
    words = advice(stages, training=unit == "step", facts=facts)
    return Profile(stages, peaks, unit, count * repeats, operators, words, trace)


def _of_network(network: torch.nn.Module | None) -> dict[str, object]:
    """What the advice needs to know of the network and of this process."""
    backbone = getattr(network, "backbone", None)
    weights = sum(weight.numel() for weight in backbone.parameters()) if backbone else 0
    return {
        "light": 0 < weights < LIGHT,
        "threads": torch.get_num_threads(),
        "cores": usable_cores(),
    }


def _place(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER) - 1


def _traced(
    run: Callable[[StageClock], None], device: str, trace: Path | None
) -> list[tuple[str, float, int]]:
    activities = [ProfilerActivity.CPU]
    if device.startswith("cuda"):
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities, acc_events=True) as profiler:
        run(StageClock(device=device))
    if trace is not None:
        trace.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(trace, lambda temporary: profiler.export_chrome_trace(str(temporary)))
    own = "self_device_time_total" if device.startswith("cuda") else "self_cpu_time_total"
    rows = [
        (event.key, getattr(event, own) / 1e6, event.count)
        for event in profiler.key_averages()
        if not event.key.startswith(("stage: ", "ProfilerStep"))
    ]
    return sorted(rows, key=lambda row: -row[1])[:DEAREST]
