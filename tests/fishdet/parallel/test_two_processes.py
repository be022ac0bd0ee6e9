"""Two processes train, evaluate and stop as one does; gloo, on this machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATA_SAMPLERS

from fishdet.checkpoint.load import load_checkpoint
from fishdet.checkpoint.training.saving import LAST, noted
from fishdet.training import TrainOptions, train

ROOT = Path(__file__).resolve().parents[3]
RANKS = Path(__file__).with_name("ranks.py")
# No statistics over a batch (GroupNorm), nothing drawn (the sampler, no flips, none of the second
# pipeline's either): what one process learns of a batch of two, two learn of one each.
EQUAL = """
custom_imports = dict(
    imports=["fishdet.registered", "first_sampler"], allow_failed_imports=False
)
custom_hooks = [hook for hook in _base_.custom_hooks if hook["type"] != "PipelineSwitchHook"]
norm = dict(type="GN", num_groups=4, requires_grad=True)
drawing = dict(type="FirstSampler", num=32, pos_fraction=0.5, add_gt_as_proposals=True)
model = dict(
    backbone=dict(norm_cfg=norm),
    neck=dict(norm_cfg=norm),
    train_cfg=dict(rpn=dict(sampler=drawing), rcnn=dict(sampler=drawing)),
)
optim_wrapper = dict(
    _delete_=True, type="OptimWrapper", optimizer=dict(type="SGD", lr=0.02, momentum=0.9)
)
"""


@dataclass
class Pair:
    """What two processes said, by rank, and what the first one did when the other was gone."""

    found: list[dict[str, Any]]
    lost: str


def outputs_of_two(action: str, options: dict[str, Any], folder: Path) -> list[str]:
    """Run an action of ``ranks.py`` in two processes and return what they said."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = {
        "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'support'}",
    }  # fmt: skip
    processes = [
        subprocess.Popen(
            [sys.executable, str(RANKS), action, json.dumps(options)], cwd=folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(2)
    ]  # fmt: skip
    return [process.communicate(timeout=300)[0] for process in processes]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, drawn_data: Path) -> Pair:
    """Two processes meet faults, evaluate and take a step."""
    folder = tmp_path_factory.mktemp("pair")
    outputs = outputs_of_two("faults", {"data": str(drawn_data)}, folder)
    return Pair([_said(output, "FOUND ") for output in outputs], _said(outputs[0], "LOST "))


@pytest.fixture
def options(tmp_path: Path, tiny_config: Path, drawn_data: Path) -> dict[str, Any]:
    """Of a training of four iterations in which nothing is drawn."""
    config = tmp_path / "equal.py"
    config.write_text(f"_base_ = {str(tiny_config)!r}\n{EQUAL}")
    return {
        "config": str(config), "data": str(drawn_data), "precision": "fp32", "seed": 5, "epochs": 1,
        "cfg_options": {
            "train_dataloader.dataset.indices": 8,
            "val_dataloader.dataset.indices": 3,
            "train_dataloader.dataset.pipeline.3.prob": 0.0,
            "param_scheduler": [],
            "publish": None,
        },
    }  # fmt: skip


def _said(output: str, word: str) -> Any:
    lines = [line for line in output.splitlines() if line.startswith(word)]
    assert lines, output[-3000:]
    return json.loads(lines[0].removeprefix(word))


def test_processes_that_differ_stop_with_both_values(pair: Pair) -> None:
    for found in pair.found:
        assert "code commit: c0ffee0 (process 0); c0ffee1 (process 1)" in found["disagree"]
        assert "classes: eel, salmon (process 0); salmon, eel (process 1)" in found["disagree"]
        assert "x:" not in found["disagree"]


def test_nan_in_one_process_stops_both_and_names_its_picture(pair: Pair) -> None:
    for found in pair.found:
        assert "the loss is nan in process 1 at epoch 1, iteration 7" in found["nan"]
        assert "picture_of_1.jpg" in found["nan"] and "picture_of_0.jpg" not in found["nan"]


def test_each_image_is_counted_once_however_a_sampler_deals_them(pair: Pair) -> None:
    """mmengine's own gathering cuts the padded list where real pictures stand."""
    first, second = pair.found
    assert first["counted"] == [1, 2, 3, 4, 5, 6]
    assert first["upstream"] != [1, 2, 3, 4, 5, 6], "the case no longer breaks mmengine's way"
    assert first["scores"] == second["scores"] and "coco/bbox_mAP" in first["scores"]
    assert "image ids [99]" in first["unknown"] and first["unknown"] == second["unknown"]


def test_a_process_that_waits_for_a_dead_one_says_so(pair: Pair) -> None:
    assert "process 0 of 2 has lost another one" in pair.lost
    assert "--resume" in pair.lost and "for 20 s" in pair.lost


def test_a_step_of_two_processes_is_that_of_one_with_both_halves(pair: Pair) -> None:
    for found in pair.found:
        assert found["step"]["shared"] == pytest.approx(found["step"]["alone"], abs=1e-7)


def test_the_records_hold_the_mean_loss_of_all_processes(pair: Pair) -> None:
    for found in pair.found:
        assert found["losses"] == {"loss": 1.0, "of_0": 3.0, "of_1": 3.0}


def test_two_processes_see_the_pictures_of_one_batch(tiny_config: Path) -> None:
    """Each takes every second picture of one order: together those of a batch of two."""
    settings = Config.fromfile(str(tiny_config)).train_dataloader.sampler
    orders = []
    for rank, world in ((0, 1), (0, 2), (1, 2)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("mmengine.dataset.sampler.get_dist_info", lambda one=(rank, world): one)
            orders.append(
                list(DATA_SAMPLERS.build(settings, default_args={"dataset": range(12), "seed": 5}))
            )
    alone, *two = orders
    assert [picture for step in zip(*two, strict=True) for picture in step] == alone


@pytest.mark.slow
def test_two_times_one_learns_what_one_times_two_does(
    options: dict[str, Any], tmp_path: Path
) -> None:
    """To 1e-5 of the largest weight after four steps: sums in another order."""
    folders = [tmp_path / "one", tmp_path / "two"]
    folders[1].mkdir()
    mine = {**options, "work_dir": str(folders[1])}
    mine["cfg_options"] = {**options["cfg_options"], "train_dataloader.batch_size": 1}
    for output in outputs_of_two("train", mine, tmp_path):
        assert _said(output, "FOUND ") == {}
    paths = {key: Path(options[key]) for key in ("config", "data")}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        train(TrainOptions(**{**options, **paths, "work_dir": folders[0]}))
    finally:
        torch.set_num_threads(threads)
    one, two = (load_checkpoint(noted(folder, LAST)) for folder in folders)
    assert one["meta"]["iter"] == two["meta"]["iter"] == 4
    for name, weight in one["state_dict"].items():
        other = two["state_dict"][name]
        assert torch.allclose(weight, other, atol=1e-5 * float(weight.abs().max() + 1e-3)), name


@pytest.mark.slow
def test_two_machines_meet(options: dict[str, Any], tmp_path: Path) -> None:
    """Two of torchrun's agents, as on two machines, train one model of all pictures."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = {
        "NNODES": "2", "MASTER_ADDR": "127.0.0.1", "PORT": str(port), "PYTHON": sys.executable,
        "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'support'}",
    }  # fmt: skip
    command = [
        "bash", str(ROOT / "tools" / "dist_train.sh"), options["config"], "1", "--data",
        options["data"], "--precision", "fp32", "--epochs", "1", "--work-dir", str(tmp_path),
        "--cfg-options", "publish=None", "train_dataloader.batch_size=1",
    ]  # fmt: skip
    machines = [
        subprocess.Popen(
            command, env={**os.environ, **shared}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        for _ in range(2)
    ]  # fmt: skip
    said = [machine.communicate(timeout=600)[0] for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0], "\n".join(said)[-3000:]
    last = load_checkpoint(noted(tmp_path, LAST))
    assert last["meta"]["iter"] == 6, "12 pictures, one a process and step"
