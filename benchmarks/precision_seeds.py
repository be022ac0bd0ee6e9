"""Do runs in bf16 end where runs in fp32 end? AP by precision and seed, and the spread of seeds.

    python benchmarks/precision_seeds.py CONFIG --data DIR [--epochs 3] [--img-scale 384 384]
    python benchmarks/precision_seeds.py CONFIG --data DIR --emulate      # a CPU without bf16
    python benchmarks/precision_seeds.py CONFIG --data DIR --steps 3      # seconds a step alone

Each run is ``tools/train.py`` in a process of its own; one that has ended is not run again, one
that was stopped goes on with the next batch. AP is that of the last evaluation on val. The means of
two precisions are called alike where they differ by no more than the seeds of either do. Exit
status 1 where one is not. CPU seconds of ``--steps`` are of one process, precisions in turn.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fish_dataset.files import read_json, write_json
from fishdet.cli import at_least, exit_status
from fishdet.errors import FishdetError

TOOL = Path(__file__).resolve().parents[1] / "tools" / "train.py"
EMULATOR = Path(__file__).with_name("emulated_bf16.py")
DONE = "precision_seeds.json"


def main() -> int:
    """Train, or time steps, and print; see the module for the status."""
    args = parse_args()
    if args.steps:
        for line in timed(args):
            print(line, flush=True)
        return 0
    runs = list(itertools.product(args.seeds, args.precisions))
    found: dict[str, dict[int, float]] = {name: {} for name in args.precisions}
    for number, (seed, precision) in enumerate(runs, 1):
        result = trained(args, precision, seed)
        found[precision][seed] = result["ap"]
        print(
            f"run {number} of {len(runs)}: {precision}, seed {seed}: AP {100 * result['ap']:.2f} "
            f"after {result['epoch']} epochs, {result['minutes']:.1f} min",
            flush=True,
        )
    lines, alike = told(found)
    print("\n".join(lines))
    return 0 if alike else 1


def parse_args() -> argparse.Namespace:
    """Parse what is trained and how often."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=at_least(0), nargs="+", default=[0, 1])
    parser.add_argument("--precisions", nargs="+", default=["fp32", "bf16"],
                        choices=("fp32", "bf16", "fp16"))  # fmt: skip
    parser.add_argument("--epochs", type=at_least(1))
    parser.add_argument("--img-scale", nargs=2, type=at_least(32), metavar=("W", "H"))
    parser.add_argument("--cfg-options", nargs="+", default=[], help="key=value …, for each run")
    parser.add_argument("--out", type=Path, default=Path("work_dirs/precision_seeds"))
    parser.add_argument(
        "--emulate",
        action="store_true",
        help="bf16 in the arithmetic of a CPU that has it: see emulated_bf16.py",
    )
    parser.add_argument("--steps", type=at_least(1), help="time so many steps and train nothing")
    args = parser.parse_args()
    if not args.steps and len(args.seeds) < 2:
        parser.error("--seeds: one seed has no spread; give two or more")
    return args


def trained(args: argparse.Namespace, precision: str, seed: int) -> dict[str, Any]:
    """Train once, or return what an earlier call found in the same folder.

    Raises:
        FishdetError: the training ended with an error, or the folder holds another run's result.
    """
    folder = args.out / f"{precision}_seed{seed}"
    command = command_of(args, precision, seed, folder)
    result = folder / DONE
    if result.is_file():
        stored = read_json(result)
        if stored["command"] != command[1:]:
            raise FishdetError(f"{folder}: holds a run of other settings; give another --out")
        return stored
    if any(folder.glob("*.pth")):
        command.append("--resume")
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "output.log").open("a", encoding="utf-8") as log:
        status = subprocess.run(command, stdout=log, stderr=log, check=False).returncode
    if status:
        raise FishdetError(f"{folder / 'output.log'}: the training ended with status {status}")
    last = read_json(folder / "metrics.json")["val"][-1]
    written = {"command": [word for word in command[1:] if word != "--resume"],
               "ap": last["coco/bbox_mAP"], "epoch": last["epoch"],
               "minutes": (time.monotonic() - began) / 60}  # fmt: skip
    write_json(result, written)
    return written


def command_of(args: argparse.Namespace, precision: str, seed: int, folder: Path) -> list[str]:
    """Return the command of one run."""
    emulator = [str(EMULATOR)] if args.emulate and precision == "bf16" else []
    command = [sys.executable, *emulator, str(TOOL), str(args.config), "--data", str(args.data)]
    command += ["--precision", precision, "--seed", str(seed), "--work-dir", str(folder)]
    if args.epochs:
        command += ["--epochs", str(args.epochs)]
    if args.img_scale:
        command += ["--img-scale", *map(str, args.img_scale)]
    return [*command, *(["--cfg-options", *args.cfg_options] if args.cfg_options else [])]


def told(found: Mapping[str, Mapping[int, float]]) -> tuple[list[str], bool]:
    """Return a table of AP (of 100), and whether every precision ends where the first does.

    Args:
        found: AP, of 1, by precision and seed.
    """
    lines = ["| precision | AP by seed | mean | spread |", "|---|---|---|---|"]
    means, spreads = {}, {}
    for name, by_seed in found.items():
        values = [100 * value for value in by_seed.values()]
        means[name], spreads[name] = statistics.mean(values), max(values) - min(values)
        each = ", ".join(f"{value:.2f}" for value in values)
        lines.append(f"| {name} | {each} | {means[name]:.2f} | {spreads[name]:.2f} |")
    first, *others = found
    alike = True
    for name in others:
        apart = means[name] - means[first]
        within = abs(apart) <= max(spreads[name], spreads[first])
        alike &= within
        lines.append(f"{name} ends {apart:+.2f} AP from {first}: "
                     f"{'within' if within else 'outside'} the spread of seeds")  # fmt: skip
    return lines, alike


def timed(args: argparse.Namespace) -> Iterator[str]:
    """CPU seconds of training steps, precisions in turn; the first step of each is left out."""
    runs = {name: steps(args, name) for name in args.precisions}
    for run in runs.values():
        next(run)
    spent: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(args.steps):
        for name, run in runs.items():
            spent[name].append(next(run))
    first = statistics.median(spent[args.precisions[0]])
    for name, seconds in spent.items():
        middle = statistics.median(seconds)
        yield (f"{name}: {middle:.2f} CPU s a step (median of {len(seconds)}: "
               f"{', '.join(f'{one:.2f}' for one in seconds)}), {middle / first:.2f}")  # fmt: skip


def steps(args: argparse.Namespace, precision: str) -> Iterator[float]:
    """Train a step a turn; yields its CPU seconds, those of loader workers left out."""
    from mmdet.utils import register_all_modules  # only here: the parent of trainings needs none
    from mmengine.logging import MMLogger
    from training_steps import training_steps

    from fishdet.allocator import keep_freed_memory
    from fishdet.binding import bind
    from fishdet.config import load_config, set_img_scale, set_precision

    keep_freed_memory()
    register_all_modules(init_default_scope=True)
    MMLogger.get_current_instance().setLevel("ERROR")
    cfg = load_config(args.config, options_of(args.cfg_options))
    bind(cfg, args.data)
    if args.img_scale:
        set_img_scale(cfg, tuple(args.img_scale))
    set_precision(cfg, precision, "cpu")
    run = training_steps(cfg)
    while True:
        began = time.process_time()
        next(run)
        yield time.process_time() - began


def options_of(words: Sequence[str]) -> dict[str, Any] | None:
    """Return key=value words as ``load_config`` takes them, read as ``tools/train.py`` does."""
    from mmengine.config import DictAction

    parser = argparse.ArgumentParser()
    parser.add_argument("--cfg-options", nargs="+", action=DictAction)
    return parser.parse_args(["--cfg-options", *words]).cfg_options if words else None


if __name__ == "__main__":
    sys.exit(exit_status(main))
