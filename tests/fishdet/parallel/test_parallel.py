"""What several processes need, as far as one can tell; ``test_two_processes.py`` starts two."""

from __future__ import annotations

import math
import os
import socket
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from torch.utils.data import DataLoader, Dataset

from fish_dataset.errors import FishDataError
from fishdet.checkpoint.training.newest import training_checkpoints
from fishdet.errors import FishdetError
from fishdet.hooks import throughput
from fishdet.hooks.throughput import ThroughputHook, describe, scalars
from fishdet.parallel import (
    explaining_lost_process,
    restarted,
    resume_since,
    training_facts,
    write_start,
)
from fishdet.parallel.agreement import differences
from fishdet.parallel.lost import ProcessLost, explain
from fishdet.processes import join_cpu_processes, require_sync_bn_device, wait_seconds
from fishdet.runner import FishRunner

ROOT = Path(__file__).resolve().parents[3]
NAN = float("nan")


def test_only_what_differs_is_told_with_the_processes_that_have_it() -> None:
    facts = [
        {"a": 1, "b": ["x", "y"]},
        {"a": 1, "b": ["y", "x"]},
        {"a": 1, "b": ["x", "y"], "c": 3},
    ]
    assert differences(facts) == [
        "b: x, y (process 0, 2); y, x (process 1)",
        "c: None (process 0, 1); 3 (process 2)",
    ]
    assert differences(facts[:1]) == []


def test_the_facts_hold_data_classes_and_settings_but_no_paths(drawn_data: Path) -> None:
    def config(folder: str, lr: float) -> Config:
        dataset = dict(ann_file=f"{folder}/train.json", metainfo=dict(classes=("eel", "cod")))
        return Config(dict(train_dataloader=dict(batch_size=2, dataset=dataset),
                           optim_wrapper=dict(optimizer=dict(lr=lr))))  # fmt: skip

    copy = drawn_data.parent / "copy"
    copy.mkdir(exist_ok=True)
    (copy / "train.json").write_bytes((drawn_data / "train.json").read_bytes())
    one, other = (
        training_facts(config(str(drawn_data), 0.1)),
        training_facts(config(str(copy), 0.2)),
    )
    assert differences([one, other]) == [
        "optim_wrapper.optimizer.lr: 0.1 (process 0); 0.2 (process 1)"
    ]
    (copy / "train.json").write_text("{}")
    lines = differences([one, training_facts(config(str(copy), 0.1))])
    assert len(lines) == 1 and lines[0].startswith("SHA-256 of train_dataloader: train.json: ")
    assert str(copy) not in lines[0]


def test_of_two_data_sets_with_files_of_one_name_both_are_compared(tmp_path: Path) -> None:
    def facts(first: str) -> dict[str, Any]:
        datasets = []
        for name, text in (("reef", first), ("bay", "{}")):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "train.json").write_text(text)
            datasets.append(dict(ann_file="train.json", data_root=str(tmp_path / name)))
        both = dict(type="ConcatDataset", datasets=datasets)
        return training_facts(Config(dict(train_dataloader=dict(dataset=both))))

    (line,) = differences([facts("[]"), facts("[1]")])
    assert line.startswith("SHA-256 of train_dataloader: train.json: ")


def test_a_restart_goes_on_from_its_own_checkpoints_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = tmp_path / "epoch_3.pth", tmp_path / "epoch_1.pth"
    old.touch()
    os.utime(old, (time.time() - 60,) * 2)
    write_start(tmp_path)
    assert not restarted() and resume_since(tmp_path) == 0
    assert training_checkpoints(tmp_path, resume_since(tmp_path)) == [old]
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert restarted()
    assert training_checkpoints(tmp_path, resume_since(tmp_path)) == []
    new.touch()
    assert training_checkpoints(tmp_path, resume_since(tmp_path)) == [new]
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "0")
    assert not restarted()
    monkeypatch.setenv("SLURM_RESTART_COUNT", "2")
    assert restarted()


def test_words_for_workers_that_hang_or_die() -> None:
    hung = explain(RuntimeError("DataLoader timed out after 300 seconds"), 60)
    assert hung and "for 300 s" in hung and "train_dataloader.timeout" in hung
    dead = explain(RuntimeError("DataLoader worker (pid(s) 12, 13) exited unexpectedly"), 60)
    assert dead and "(process 12, 13)" in dead and "memory" in dead
    assert explain(RuntimeError("mat1 and mat2 shapes cannot be multiplied"), 60) is None
    # gloo's words, but in one process: nobody to lose
    assert explain(RuntimeError("[gloo/pair.cc:553] Connection closed by peer"), 60) is None


def test_a_process_that_no_other_joins_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    there = {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    for name, value in {**there, "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    said = f"process 0 of 2: not all came together within 1 s.*127.0.0.1:{port}.*1/2"
    with pytest.raises(ProcessLost, match=said), explaining_lost_process(1):
        join_cpu_processes("pytorch", timeout=1)


def test_a_fault_in_the_data_that_a_worker_meets_is_told_in_one_line() -> None:
    class Broken(Dataset[int]):
        def __len__(self) -> int:
            return 1

        def __getitem__(self, index: int) -> int:
            raise FishDataError("reef/1.jpg: cannot be decoded as a picture; copy it again")

    loader = DataLoader(Broken(), num_workers=1)
    with pytest.raises(FishDataError) as raised, explaining_lost_process(60):
        next(iter(loader))
    assert str(raised.value) == "reef/1.jpg: cannot be decoded as a picture; copy it again"
    with (
        pytest.raises(FishDataError, match="^FishDataError: it$"),
        explaining_lost_process(1),
    ):
        raise FishDataError("FishDataError: it")


def test_throughput_is_told_for_each_process() -> None:
    rows = [(10, 5.0, 1.0, NAN, NAN), (10, 4.0, 0.0, NAN, NAN)]
    assert describe(rows) == (
        "4.50 pictures/s, 20 % of the time waiting for data at most; by process: 2.00 (20 %), "
        "2.50 (0 %)"
    )
    assert describe([(10, 5.0, 1.0, 7.25, 80.0)]).endswith(
        "waiting for data; GPU memory 7.2 GiB; GPU utilisation 80 %"
    )
    assert scalars(rows)["throughput/data_wait_share_0"] == 0.2
    assert not any("gpu" in name for name in scalars(rows))


def test_throughput_counts_neither_the_first_iteration_nor_evaluations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter([100.0, 101.0, 103.0, 200.0, 200.5, 201.5])
    monkeypatch.setattr("fishdet.hooks.throughput.time.perf_counter", lambda: next(clock))
    hook = ThroughputHook(interval=1000)
    runner = SimpleNamespace(iter=0)
    batch = {"inputs": [0, 0]}
    hook.before_train_epoch(runner)
    hook.before_train_iter(runner, 0, batch)
    hook.after_train_iter(runner, 0, batch)  # ends at 100: kernels were built
    hook.before_train_iter(runner, 1, batch)  # begins at 101
    hook.after_train_iter(runner, 1, batch)  # ends at 103
    hook.before_train_epoch(runner)  # after an evaluation
    hook.before_train_iter(runner, 2, batch)
    hook.after_train_iter(runner, 2, batch)  # ends at 200
    hook.before_train_iter(runner, 3, batch)  # begins at 200.5
    hook.after_train_iter(runner, 3, batch)  # ends at 201.5
    assert (hook.pictures, hook.seconds, hook.waiting) == (4, 4.5, 1.5)


def test_a_gpu_that_does_not_tell_its_utilisation_stops_no_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> int:
        raise type("NVMLError_NotSupported", (Exception,), {})

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 2**30)
    monkeypatch.setattr(torch.cuda, "utilization", refuse)
    memory, utilisation = throughput.gpu_state()
    assert memory == 1.0 and math.isnan(utilisation)


@pytest.mark.parametrize(("steps", "rate"), [(1, 0.5), (4, 2.0)])
def test_auto_scale_lr_counts_accumulated_batches(steps: int, rate: float) -> None:
    """A base of 16 pictures, batches of 8: half the rate, or twice where four make a step."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    wrapper = OptimWrapper(optimizer, accumulative_counts=steps)
    logger = SimpleNamespace(info=lambda text: None)
    runner = FishRunner.__new__(FishRunner)
    runner.logger, runner._world_size, runner.param_schedulers = logger, 1, None
    runner._train_dataloader = {"batch_size": 8}
    runner.scale_lr(wrapper, {"enable": True, "base_batch_size": 16})
    assert optimizer.param_groups[0]["lr"] == rate


def test_sync_bn_without_a_gpu_is_refused_at_once() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(FishdetError, match="sync_bn='torch'.*GroupNorm"):
        require_sync_bn_device(Config(dict(sync_bn="torch")))
    require_sync_bn_device(Config({}))


def test_the_wait_is_stated_in_the_config() -> None:
    cfg = Config.fromfile(str(ROOT / "configs" / "fish.py"))
    assert wait_seconds(cfg) == 300
    assert wait_seconds(Config(dict(env_cfg=dict(dist_cfg=dict(timeout=20))))) == 20


def script(name: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(ROOT / "tools" / name), *arguments], capture_output=True, text=True,
        env={**os.environ, **env}, timeout=60,
    )  # fmt: skip


def fake(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!/usr/bin/env bash\n{text}\n")
    path.chmod(0o755)


def test_dist_train_asks_for_a_number_of_processes() -> None:
    for arguments in ((), ("configs/fish.py",), ("configs/fish.py", "two")):
        done = script("dist_train.sh", *arguments)
        assert done.returncode == 2 and "tools/dist_train.sh CONFIG N" in done.stderr
    done = script("dist_train.sh", "configs/fish.py", "2", NNODES="2", MASTER_ADDR="")
    assert (done.returncode, done.stderr) == (
        2, "error: NNODES=2: name the first machine in MASTER_ADDR\n",
    )  # fmt: skip
    done = script("dist_train.sh", "configs/nofish.py", "2")
    assert done.returncode == 2 and "config configs/nofish.py: no such file" in done.stderr
    done = script("slurm_train.sh", "configs/fish.py", SLURM_SUBMIT_DIR="")
    assert (done.returncode, done.stderr) == (
        2, "error: start this with sbatch, from the checkout\n",
    )  # fmt: skip


def test_slurm_array_trains_a_seed_a_task_and_goes_back_into_the_queue(tmp_path: Path) -> None:
    """With a stand-in for SLURM: a stop by the scheduler ends in a requeue, a success does not."""
    fake(tmp_path, "scontrol", f'echo "$@" >> {tmp_path}/requeued')
    fake(tmp_path, "srun", f'echo "$@" > {tmp_path}/called')
    env = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_SUBMIT_DIR": str(ROOT),
        "SLURM_JOB_ID": "77", "SLURM_ARRAY_TASK_ID": "3", "SLURM_GPUS_ON_NODE": "4",
    }  # fmt: skip
    done = script("slurm_train.sh", "configs/fish.py", "--epochs", "2", **env)
    assert done.returncode == 0, done.stderr
    command = (tmp_path / "called").read_text()
    assert "dist_train.sh configs/fish.py 4 --epochs 2 --seed 3" in command
    assert "--work-dir work_dirs/fish/seed_3" in command
    assert not (tmp_path / "requeued").exists()
    waiting = (
        "trap 'echo saved > DIR/saved; exit 2' TERM; kill -TERM $PPID; "
        "sleep 20 <&- >&- 2>&- & wait $!"  # it keeps no pipe open that the test reads
    )
    fake(tmp_path, "srun", waiting.replace("DIR", str(tmp_path)))
    done = script("slurm_train.sh", "configs/fish.py", **env)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "saved").exists(), "the training was asked to stop and had the time to"
    assert (tmp_path / "requeued").read_text() == "requeue 77\n"
