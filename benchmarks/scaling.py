"""One process against two on this machine, and what a simple model says of more.

    python benchmarks/scaling.py [--epochs 4] [--out work_dirs/scaling]

Trains a small detector in one process with batches of two and in two with batches of one, a thread
each, with nothing random between them: their losses have to lie on top of one another
(``losses.png``), until rounding makes one choose another proposal than the other. Tells pictures a
second, CPU time a picture (which other work on the machine hardly changes) and the time of an
all-reduce of the gradients. One process with batches of one takes the step that each of two takes:
from it comes the model's forecast for two. On a machine of two cores a ratio of two is the limit.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import kill_resume
import numpy as np
from cpu_clock import FILE
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fish_dataset.files import read_json
from fishdet.analysis.logs import Run, read_runs, write_logs

ROOT = Path(__file__).resolve().parent.parent
ALL_REDUCE = """
import sys, time, torch, torch.distributed as dist
dist.init_process_group("gloo")
gradients, times = torch.zeros(int(sys.argv[1])), []
for _ in range(12):
    dist.barrier()
    began = time.perf_counter()
    dist.all_reduce(gradients)
    times.append(time.perf_counter() - began)
if dist.get_rank() == 0:
    print("SECONDS", sorted(times)[len(times) // 2])
dist.barrier()
"""
EQUAL = """
custom_imports = dict(
    imports=["fishdet.registered", "first_sampler", "cpu_clock"], allow_failed_imports=False
)
INTERVALS = dict(RecordsHook=dict(interval=1), ThroughputHook=dict(interval=3))
custom_hooks = [
    dict(hook, **INTERVALS.get(hook["type"], {}))
    for hook in _base_.custom_hooks if hook["type"] != "PipelineSwitchHook"
] + [dict(type="CpuClockHook")]
norm = dict(type="GN", num_groups=4, requires_grad=True)
drawing = dict(type="FirstSampler", num=32, pos_fraction=0.5, add_gt_as_proposals=True)
model = dict(
    backbone=dict(norm_cfg=norm), neck=dict(norm_cfg=norm),
    train_cfg=dict(rpn=dict(sampler=drawing), rcnn=dict(sampler=drawing)),
)
optim_wrapper = dict(
    _delete_=True, type="OptimWrapper", optimizer=dict(type="SGD", lr=0.005, momentum=0.9)
)
"""


PICTURES, SIZE = 48, "256"
WORDS = ("1 process, batches of two", "2 processes, batches of one")
RUNS = {"one": (1, 2), "two": (2, 1), "step": (1, 1)}  # processes, pictures a process and step


def step_seconds(
    compute: float, size: float, processes: int, bandwidth: float, overlap: float = 0.0
) -> float:
    """Return the seconds of a training step by the model of docs/scale.md.

    Args:
        compute: of one process alone.
        size: bytes of the gradients.
        processes: how many.
        bandwidth: bytes a second between neighbours, of the slowest link.
        overlap: share of the all-reduce that goes on during the backward pass.
    """
    ring = 2 * (processes - 1) / processes * size / bandwidth
    return compute + (1 - overlap) * ring


def main() -> int:
    """Train twice, measure the all-reduce, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--out", type=Path, help="keep the runs and their curves there")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = args.out or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        report(folder, args.epochs)
    return 0


def report(folder: Path, epochs: int) -> None:
    """Print what was measured and what the model says."""
    config = kill_resume.prepare(folder, epochs, PICTURES)["config"]
    (folder / "equal.py").write_text(f"_base_ = {str(config)!r}\n{EQUAL}")
    for name, (processes, batch) in RUNS.items():
        print(f"load of the machine before {name!r}: {os.getloadavg()[0]:.1f}", flush=True)
        train(folder, name, processes, batch, epochs)
    one, two, step = read_runs([folder / name for name in RUNS])
    write_logs([one, two], folder)
    draw_losses([one, two], folder / "losses.png")
    losses = [np.array([row["loss"] for row in run.train]) for run in (one, two)]
    rates = [rate(run) for run in (one, two, step)]
    print(f"pictures a second: 1 process {rates[0]:.2f}, 2 processes {rates[1]:.2f} in all: "
          f"ratio {rates[1] / rates[0]:.2f} (limit 2.00)")  # fmt: skip
    cpu = [cpu_milliseconds(folder / name) for name in RUNS]
    print(f"CPU time a picture: {cpu[0]:.1f} ms and {cpu[1]:.1f} ms: on two free cores a ratio of "
          f"{2 * cpu[0] / cpu[1]:.2f} at most")  # fmt: skip
    apart, epoch = np.abs(losses[0] - losses[1]) / losses[0].max(), len(losses[0]) // epochs
    print(f"largest difference of the losses: {apart[:epoch].max():.1e} of the largest loss in the "
          f"first epoch of {epoch} steps, {apart.max():.1e} in all")  # fmt: skip
    weights = folder / "one" / "epoch_1.pth"
    size = gradient_size(next(iter([weights] if weights.is_file() else folder.glob("one/*.pth"))))
    measured = all_reduce_seconds(size // 4)
    bandwidth = size / measured  # two processes: 2 (n - 1) / n = 1
    print(f"all-reduce of {size / 1e6:.2f} MB of gradients by gloo: {1e3 * measured:.1f} ms, "
          f"{bandwidth / 1e6:.0f} MB/s")  # fmt: skip
    print(f"1 process with batches of one: {rates[2]:.2f} pictures a second, {cpu[2]:.1f} ms of "
          "CPU time a step")  # fmt: skip
    told = 1e3 * step_seconds(cpu[2] / 1e3, size, 2, bandwidth)
    print(f"the model says {told:.1f} ms a step of 2 processes: CPU time is {cpu[1] / told:.2f} "
          "of it")  # fmt: skip
    forecast = 2 / step_seconds(1 / rates[2], size, 2, bandwidth)
    print(f"the model forecasts {forecast:.2f} pictures a second for 2 processes: "
          f"{rates[1] / forecast:.2f} of it was measured")  # fmt: skip


def draw_losses(runs: Sequence[Run], path: Path) -> None:
    """Write the losses of all steps of the runs, the second one dashed over the first."""
    figure = Figure(figsize=(6, 2.6), layout="constrained")
    FigureCanvasAgg(figure)
    place = figure.subplots()
    for run, style, words in zip(runs, ("-", "--"), WORDS, strict=True):
        points = np.array([(row["iter"], row["loss"]) for row in run.train])
        place.plot(*points.T, style, linewidth=1.6, label=words)
    place.set(xlabel="step", ylabel="loss")
    place.grid(alpha=0.3)
    place.legend(fontsize=8)
    figure.savefig(path, dpi=100)


def train(folder: Path, name: str, processes: int, batch: int, epochs: int) -> None:
    """Train in so many processes, with so many pictures each.

    Raises:
        SystemExit: with the output of a training that failed.
    """
    options = [
        str(folder / "equal.py"), "--data", str(folder / "set"), "--epochs", str(epochs),
        "--precision", "fp32", "--seed", "5", "--img-scale", SIZE, SIZE,
        "--work-dir", str(folder / name), "--cfg-options",
        f"train_dataloader.batch_size={batch}", "publish=None",
        "train_dataloader.dataset.pipeline.3.prob=0.0",  # no flips
        # mmdet counts an anchor more where a picture has no fish, and divides each batch by its sum
        "train_dataloader.dataset.filter_cfg.filter_empty_gt=True",
        "val_cfg=None", "val_dataloader=None", "val_evaluator=None",
    ]  # fmt: skip
    launch = [sys.executable, str(ROOT / "tools" / "train.py")]
    if processes > 1:
        launch = ["bash", str(ROOT / "tools" / "dist_train.sh")]
        options.insert(1, str(processes))
    paths = f"{ROOT}:{ROOT / 'benchmarks'}:{ROOT / 'tests' / 'support'}"
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHON": sys.executable, "PYTHONPATH": paths}
    done = subprocess.run([*launch, *options], env=env, text=True, capture_output=True)
    if done.returncode:
        raise SystemExit(done.stdout[-3000:] + done.stderr[-3000:])


def cpu_milliseconds(work_dir: Path) -> float:
    """Return the CPU milliseconds that all processes of a run need for a picture."""
    found = [read_json(path) for path in sorted(work_dir.glob(FILE.format("*")))]
    return 1e3 * sum(one["seconds"] for one in found) / sum(one["pictures"] for one in found)


def rate(run: Run) -> float:
    """Return the median of pictures a second; the first window pays for building kernels."""
    speeds = run.speed[1:, 1] if len(run.speed) > 1 else run.speed[:, 1]
    return float(np.median(speeds))


def gradient_size(checkpoint: Path) -> int:
    """Return the bytes of the gradients of a checkpoint's weights."""
    from fishdet.checkpoint.load import load_checkpoint

    state = load_checkpoint(checkpoint)["optimizer"]["state"]
    return int(sum(4 * entry["momentum_buffer"].numel() for entry in state.values()))


def all_reduce_seconds(values: int) -> float:
    """Return the median seconds of an all-reduce of float32 values between two processes."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
        script.write(ALL_REDUCE)
        script.flush()
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone",
                   "--nproc-per-node", "2", script.name, str(values)]  # fmt: skip
        env = {**os.environ, "OMP_NUM_THREADS": "1"}
        out = subprocess.run(command, env=env, text=True, capture_output=True, check=True).stdout
    return float(out.split("SECONDS")[1].split()[0])


if __name__ == "__main__":
    sys.exit(main())
