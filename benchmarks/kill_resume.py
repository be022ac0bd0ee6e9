"""``kill -9`` at random moments of a training, each resumed: are the final weights the same?

    OMP_NUM_THREADS=1 python benchmarks/kill_resume.py --kills 20

A small detector is trained once undisturbed. Then, for each kill, anew: a process that trains it
is killed at a moment drawn evenly over the undisturbed run's time, from its first iteration to its
end, and ``--resume`` runs to the end. Weights, optimizer, schedules, losses and best score are
compared bit for bit. Exit status 1 if any differs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from fish_dataset.synthesis import ensure_dataset
from fishdet.checkpoint.load import load_checkpoint
from fishdet.checkpoint.training.newest import training_checkpoints
from fishdet.checkpoint.training.saving import LAST, noted
from fishdet.training import TrainOptions, train

ROOT = Path(__file__).resolve().parent.parent
VOLATILE = ("time", "data_time", "memory", "eta")
COMPARED = ("state_dict", "ema_state_dict", "optimizer", "param_schedulers")
SMALL_MODEL = """
model = dict(
    backbone=dict(depth=18, base_channels=16, stem_channels=16, init_cfg=None),
    neck=dict(in_channels=[16, 32, 64, 128], out_channels=16),
    rpn_head=dict(in_channels=16, feat_channels=16),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=16),
        bbox_head=dict(in_channels=16, fc_out_channels=32),
    ),
)
train_dataloader = dict(batch_size=2, num_workers=0, persistent_workers=False)
val_dataloader = dict(batch_size=2, num_workers=0, persistent_workers=False)
"""


def main() -> int:
    """Train, kill, resume, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0, help="draws the moments")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return 1 if compare(Path(folder), args.kills, args.epochs, random.Random(args.seed)) else 0


def compare(folder: Path, kills: int, epochs: int, draw: random.Random) -> int:
    """Print a line for each kill and return how many runs ended otherwise than undisturbed."""
    options = prepare(folder, epochs)
    whole = folder / "whole"
    process = start(options, whole, None, folder)
    started = begun(process, whole)
    finish(process)
    seconds = time.perf_counter() - started
    expected, failures = final_state(whole), 0
    print(f"undisturbed: {seconds:.1f} s, {len(expected)} values to compare", flush=True)
    for number in range(kills):
        parts = folder / f"killed_{number}"
        moment = kill(options, parts, lambda: draw.uniform(0, seconds))
        left = ", ".join(path.name for path in training_checkpoints(parts)) or "no checkpoint"
        finish(start(options, parts, "auto", folder))
        wrong = differences(expected, final_state(parts))
        failures += bool(wrong)
        verdict = f"{len(wrong)} values differ, first {wrong[0]}" if wrong else "equal"
        print(f"{number + 1:3}: killed at {moment:5.1f} s, {left}: {verdict}", flush=True)
        shutil.rmtree(parts)
    print(f"{kills - failures} of {kills} equal the undisturbed run bit for bit")
    return failures


def prepare(folder: Path, epochs: int, pictures: int = 12) -> dict[str, Any]:
    """Return the options of the training, its data and config written into ``folder``."""
    data = ensure_dataset(
        folder / "set", seed=3, train=pictures, val=6, size=128, workers=1, progress=False
    )
    config = folder / "small.py"
    config.write_text(f"_base_ = {str(ROOT / 'configs' / 'fish.py')!r}\n{SMALL_MODEL}")
    return {"config": config, "data": data, "epochs": epochs, "precision": "fp32", "seed": 5}


def start(
    options: Mapping[str, Any], work_dir: Path, resume: str | None, folder: Path
) -> multiprocessing.process.BaseProcess:
    """Train in a process of its own: forked, so that no moment falls into its imports."""
    arguments = (dict(options), work_dir, resume, folder / "output.txt")
    process = multiprocessing.get_context("fork").Process(target=_train, args=arguments)
    process.start()
    return process


def kill(options: Mapping[str, Any], work_dir: Path, draw: Callable[[], float]) -> float:
    """Train and kill at a drawn moment, anew where it was done by then; return the moment."""
    while True:
        moment = draw()
        process = start(options, work_dir, None, work_dir.parent)
        begun(process, work_dir)
        process.join(moment)
        process.kill()
        process.join()
        if process.exitcode == -signal.SIGKILL:
            return moment
        shutil.rmtree(work_dir)


def begun(process: multiprocessing.process.BaseProcess, work_dir: Path) -> float:
    """Wait until a training comes to its first iteration; return the time of then."""
    while process.is_alive() and not (work_dir / "environment.json").is_file():
        time.sleep(0.01)
    return time.perf_counter()


def finish(process: multiprocessing.process.BaseProcess) -> None:
    """Wait for a training that has to succeed."""
    process.join()
    if process.exitcode != 0:
        raise SystemExit(f"a training ended with status {process.exitcode}")


def _train(options: dict[str, Any], work_dir: Path, resume: str | None, output: Path) -> None:
    with output.open("a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    # yapf formats the config for every checkpoint, which would take most of the time
    Config.pretty_text = property(lambda config: "")  # type: ignore[method-assign,assignment]
    train(TrainOptions(**options, work_dir=work_dir, resume=resume))


def final_state(work_dir: Path) -> dict[str, Any]:
    """Return what two equal runs have in common at their end: tensors and values by name."""
    path = noted(work_dir, LAST)
    if path is None:
        raise SystemExit(f"{work_dir}: no checkpoint")
    checkpoint = load_checkpoint(path)
    hub = checkpoint["message_hub"]
    best = hub["runtime_info"]
    parts = {key: checkpoint[key] for key in COMPARED if key in checkpoint}
    parts["losses"] = {
        name: buffer.data[0].tolist()
        for name, buffer in hub["log_scalars"].items()
        if name.rsplit("/", 1)[-1] not in VOLATILE
    }
    parts["best"] = {"score": best["best_score"], "file": Path(best["best_ckpt"]).name}
    parts["position"] = {key: checkpoint["meta"][key] for key in ("epoch", "iter")}
    return dict(_flat(parts))


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the names of what is not the same bit for bit."""
    names = sorted(set(one) ^ set(other))
    return names + [name for name in one if name in other and not _same(one[name], other[name])]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    return bool(one == other)


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}")
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            yield from _flat(item, f"{name}.{place}")
    else:
        yield name, value


if __name__ == "__main__":
    sys.exit(main())
