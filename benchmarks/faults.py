"""Let a training of two processes meet faults; tell how each run ends, as a Markdown table.

    OMP_NUM_THREADS=1 python benchmarks/faults.py [--only kill nan …] [--out faults.md]
    mount -t tmpfs -o size=64m tmpfs SMALL && … --disk SMALL     # for the disk that fills up

A small detector is trained once undisturbed, through torchrun and gloo on this machine. Then, for
each fault anew: the fault, and where the run does not go on by itself the same command with
``--resume``. Weights, optimizer, schedules, losses and best score at the end are compared with the
undisturbed run bit for bit. Exit status 1 if a run ends otherwise than expected.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kill_resume
from fault_injection import FILLER

ROOT = Path(__file__).resolve().parent.parent
WORKER_WAIT, GRACE = 15, 30
EPOCHS, ITERATION = 3, 9  # six iterations an epoch: the third of the second


@dataclass(frozen=True)
class Fault:
    """What happens, and how a run has to take it.

    Attributes:
        told: the words for the table.
        hook: arguments of ``FaultHook``, or none.
        restarts: ``--max-restarts``.
        ends: whether the run stops with a message; else it goes on by itself.
        says: a pattern that its output has to have.
        options: further ``--cfg-options``.
    """

    told: str
    hook: Mapping[str, Any] | None
    restarts: int
    ends: bool
    says: str
    options: tuple[str, ...] = ()


def hook(kind: str, rank: int = 1, iteration: int = ITERATION) -> dict[str, Any]:
    """Return the arguments of a ``FaultHook``."""
    return {"kind": kind, "rank": rank, "iteration": iteration}


LOST = r"process 0 of 2 has lost another one"
FAULTS = {
    "kill": Fault("`kill -9` of a rank, `--max-restarts 1`", hook("kill"), 1, False,
                  "going on from .*epoch_1.pth"),
    "kill_no_restart": Fault("the same without restarts", hook("kill"), 0, True, LOST),
    "hung_rank": Fault("a rank that hangs (SIGSTOP)", hook("stop"), 1, False, LOST),
    "preempted": Fault("SIGTERM to torchrun", hook("term_agent"), 0, True,
                       "training stopped at epoch 2, iteration"),
    "preempted_all": Fault("SIGTERM to torchrun and all ranks, twice", hook("term_all"), 0, True,
                           "training stopped at epoch 2, iteration"),
    "hung_worker": Fault("a loader worker that hangs", None, 1, False,
                         f"no batch came from the loader workers for {WORKER_WAIT}",
                         ("train_dataloader.num_workers=1",
                          f"train_dataloader.timeout={WORKER_WAIT}")),
    "full_disk": Fault("disk full from the second epoch on", hook("full_disk", 0), 0, True,
                       "No space left on device"),
    "nan": Fault("NaN on one rank only", hook("nan"), 0, True, "the loss is nan in process 1 at "),
    "picture": Fault("a picture that becomes unreadable", hook("spoil", iteration=7), 0, True,
                     r"cannot be decoded as a picture"),
}  # fmt: skip


@dataclass
class Setting:
    """Where the runs take place.

    ``disk`` is a folder on a small disk of its own, ``wait`` how many seconds a process waits for
    another one.
    """

    folder: Path
    config: Path
    data: Path
    disk: Path | None
    wait: int
    expected: Mapping[str, Any]


def main() -> int:
    """Run what is asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=FAULTS, help="these faults")
    parser.add_argument("--out", type=Path, help="write the table there too")
    parser.add_argument("--folder", type=Path, help="work there, and keep the undisturbed run")
    parser.add_argument("--disk", type=Path, help="a folder on a small disk, which is filled")
    parser.add_argument(
        "--wait", type=int, default=20, help="seconds for a lost process (20); more on a busy CPU"
    )
    args = parser.parse_args()
    chosen = args.only or [key for key in FAULTS if key != "full_disk" or args.disk]
    if "full_disk" in chosen and not args.disk:
        parser.error("full_disk needs --disk, a folder on a small disk of its own")
    with tempfile.TemporaryDirectory() as name:
        folder = args.folder or Path(name)
        options = kill_resume.prepare(folder, EPOCHS)
        setting = Setting(folder, options["config"], options["data"], args.disk, args.wait, {})
        if not (folder / "whole" / "epoch_3.pth").is_file():
            status, seconds, output = run(setting, folder / "whole", None, 0, ())
            if status != 0:
                raise SystemExit(f"the undisturbed run failed\n{output}")
            print(f"undisturbed: {seconds:.0f} s", flush=True)
        setting.expected = kill_resume.final_state(folder / "whole")
        rows = [meet(setting, key) for key in chosen]
    table = "\n".join(
        ["| fault | what happened | ended after | went on from | values that differ at the end |",
         "|---|---|---|---|---|", *(f"| {' | '.join(row[:-1])} |" for row in rows)]
    )  # fmt: skip
    print(table)
    if args.out:
        args.out.write_text(table + "\n", encoding="utf-8")
    return 0 if all(row[-1] == "ok" for row in rows) else 1


def meet(setting: Setting, key: str) -> list[str]:
    """Let one fault happen; return its row and, last, ``ok`` or what was unexpected."""
    fault = FAULTS[key]
    work_dir = (setting.disk if key == "full_disk" and setting.disk else setting.folder) / key
    for note in setting.folder.glob(f"{key}.*"):  # of an earlier call with the same --folder
        note.unlink()
    status, seconds, output = run(setting, work_dir, key, fault.restarts, fault.options)
    problems = []
    if bool(status) != fault.ends:
        problems.append(f"exit status {status}")
    said = re.search(fault.says, output)
    if said is None:
        problems.append(f"did not say {fault.says!r}")
    if fault.ends:
        mend(setting, work_dir)
        left, _, more = run(setting, work_dir, None, 0, (), "--resume")
        output += more
        problems += [f"--resume ended with {left}"] if left else []
    point = re.findall(r"going on from \S*/(\S+)", output)
    wrong = None
    if not problems:
        wrong = kill_resume.differences(setting.expected, kill_resume.final_state(work_dir))
        problems += [f"{len(wrong)} values differ"] if wrong else []
    what = "stopped with a message" if fault.ends else "went on by itself"
    row = [fault.told, what, f"{seconds:.0f} s", point[-1] if point else "-",
           "-" if wrong is None else str(len(wrong))]  # fmt: skip
    verdict = "; ".join(problems) or "ok"
    print(" | ".join([*row, verdict]), flush=True)
    if problems:
        print(f"--- output of {key}\n{output[-6000:]}\n---", flush=True)
    shutil.rmtree(work_dir, ignore_errors=True)
    return [*row, verdict]


def run(
    setting: Setting, work_dir: Path, key: str | None, restarts: int, options: tuple[str, ...],
    *more: str,
) -> tuple[int, float, str]:  # fmt: skip
    """Train through ``tools/dist_train.sh``; return exit status, seconds and output."""
    config = setting.config.with_name(f"{key or 'plain'}.py")
    config.write_text(config_text(setting, key))
    command = [
        "bash", str(ROOT / "tools" / "dist_train.sh"), str(config), "2",
        "--data", str(setting.data), "--epochs", str(EPOCHS), "--precision", "fp32", "--seed", "5",
        "--work-dir", str(work_dir), *more, "--cfg-options", "train_dataloader.batch_size=1",
        f"env_cfg.dist_cfg.timeout={setting.wait}", "publish=None", *options,
    ]  # fmt: skip
    paths = f"{ROOT}:{ROOT / 'benchmarks'}:{os.environ.get('PYTHONPATH', '')}"
    env = {**os.environ, "PYTHON": sys.executable, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1",
           "MAX_RESTARTS": str(restarts), "GRACE": str(GRACE)}  # fmt: skip
    began = time.perf_counter()
    done = subprocess.run(
        command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True, timeout=1500,
    )  # fmt: skip
    return done.returncode, time.perf_counter() - began, done.stdout


def config_text(setting: Setting, key: str | None) -> str:
    """Return the config of a run with a fault, or of one without."""
    note = str(setting.folder / f"{key}.happened")
    lines = [f"_base_ = {str(setting.config)!r}"]
    if key is not None:
        lines.append(
            "custom_imports = dict(imports=['fishdet.registered', 'fault_injection'],"
            " allow_failed_imports=False)"
        )
    fault = FAULTS[key].hook if key is not None else None
    if fault is not None:
        arguments = {"type": "FaultHook", **fault, "note": note}
        if key == "picture":
            arguments["path"] = str(some_picture(setting))
        lines.append(f"custom_hooks = [*_base_.custom_hooks, {arguments!r}]")
    if key == "hung_worker":
        hang = {"type": "HangOnce", "file_name": some_picture(setting).name, "note": note}
        pipeline = f"[_base_.train_pipeline[0], {hang!r}, *_base_.train_pipeline[1:]]"
        lines.append(f"train_dataloader = dict(dataset=dict(pipeline={pipeline}))")
    return "\n".join(lines) + "\n"


def mend(setting: Setting, work_dir: Path) -> None:
    """Undo what a fault did to the world: a picture, a full disk."""
    (work_dir / FILLER).unlink(missing_ok=True)
    kept = some_picture(setting).with_suffix(".kept")
    if kept.is_file():
        os.replace(kept, some_picture(setting))


def some_picture(setting: Setting) -> Path:
    """Return a picture of the training set."""
    document = json.loads((setting.data / "train.json").read_text())
    return setting.data / "images" / document["images"][4]["file_name"]


if __name__ == "__main__":
    sys.exit(main())
