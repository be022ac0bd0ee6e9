"""A run that was stopped and resumed ends with the bits of the one that never stopped."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from mmengine.config import Config

from fishdet.checkpoint.training.newest import newest_good
from fishdet.errors import FishdetError
from fishdet.hooks import records

ROOT = Path(__file__).resolve().parents[2]
FEW = {"train_dataloader.dataset.indices": 6, "val_dataloader.dataset.indices": 4}
# three iterations an epoch and gradients of two: the first epoch ends inside an accumulation
HARD = {**FEW, "optim_wrapper.accumulative_counts": 2}


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


runs = load(Path(__file__).with_name("resume_runs.py"))
kill_resume = load(ROOT / "benchmarks" / "kill_resume.py")


@pytest.fixture(scope="module", autouse=True)
def light() -> Any:
    """See ``resume_runs.make_light``."""
    patch = pytest.MonkeyPatch()
    patch.setattr(Config, "pretty_text", property(lambda config: ""))
    patch.setattr(records, "plot_curves", lambda rows, work_dir: None)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def options(
    tmp_path_factory: pytest.TempPathFactory, tiny_config: Path, drawn_data: Path
) -> dict[str, Any]:
    """A run of two epochs with EMA, gradient accumulation and a pipeline that switches."""
    config = tmp_path_factory.mktemp("hard") / "hard.py"
    config.write_text(
        f"_base_ = {str(tiny_config)!r}\n"
        "custom_hooks = [*_base_.custom_hooks, dict(type='EMAHook', momentum=0.1)]\n"
    )
    return dict(
        config=config, data=drawn_data, precision="fp32", seed=5, epochs=2, cfg_options=HARD
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, options: dict[str, Any]) -> Path:
    """The work dir of the undisturbed run."""
    work_dir = tmp_path_factory.mktemp("whole")
    runs.train_anew(**options, work_dir=work_dir)
    return work_dir


@pytest.mark.parametrize(
    ("method", "at", "workers"),
    [
        pytest.param("after_train_iter", 2, 0, id="within the first epoch"),
        pytest.param("after_val_iter", 1, 0, id="in its evaluation"),
        pytest.param("after_train_iter", 5, 2, id="within the second, resumed with workers"),
    ],
)
def test_stopped_and_resumed_equals_undisturbed(
    method: str, at: int, workers: int, options: dict[str, Any], whole: Path, tmp_path: Path
) -> None:
    loading = {"train_dataloader.num_workers": workers}
    changed = {"cfg_options": {**options["cfg_options"], **loading}}
    runs.train_in_parts({**options, "work_dir": tmp_path}, method, at, changed)
    expected = kill_resume.final_state(whole)
    assert any(name.startswith(".ema_state_dict") for name in expected)
    assert kill_resume.differences(expected, kill_resume.final_state(tmp_path)) == []
    assert metrics(tmp_path) == metrics(whole)


def metrics(work_dir: Path) -> dict[str, Any]:
    recorded = json.loads((work_dir / "metrics.json").read_text())
    for row in [*recorded["train"], *recorded["val"]]:
        for name in [name for name in row if name.rsplit("/", 1)[-1] in kill_resume.VOLATILE]:
            del row[name]
    return recorded


def test_another_seed_is_noticed_by_the_comparison(
    options: dict[str, Any], whole: Path, tmp_path: Path
) -> None:
    """The comparison can fail: the same run, begun with another seed."""
    runs.train_anew(**{**options, "seed": 6}, work_dir=tmp_path)
    found = kill_resume.differences(
        kill_resume.final_state(whole), kill_resume.final_state(tmp_path)
    )
    assert any(name.startswith(".state_dict") for name in found)


def test_auto_passes_over_a_damaged_checkpoint_and_says_so(
    options: dict[str, Any], whole: Path, tmp_path: Path
) -> None:
    """The last checkpoint loses its end: the run goes on from the one before, to the same end."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in whole.glob("*.pth"):
        os.link(path, copy / path.name)
    (copy / "metrics.json").write_bytes((whole / "metrics.json").read_bytes())
    content = (copy / "epoch_2.pth").read_bytes()
    (copy / "epoch_2.pth").unlink()
    (copy / "epoch_2.pth").write_bytes(content[:-1000])
    (copy / "last_checkpoint").write_text(str(copy / "epoch_2.pth"))
    runs.train_anew(**options, work_dir=copy, resume="auto")
    log = "".join(path.read_text() for path in copy.glob("*/*.log"))
    assert "left out:" in log and "epoch_2.pth: cut short" in log
    assert "going on from" in log and "epoch_1.pth" in log
    expected = kill_resume.final_state(whole)
    assert kill_resume.differences(expected, kill_resume.final_state(copy)) == []


def test_resume_from_weights_alone_is_refused(
    options: dict[str, Any], whole: Path, tmp_path: Path
) -> None:
    best = next(whole.glob("best_*.pth"))
    with pytest.raises(FishdetError, match="no 'optimizer' to go on from.*load_from="):
        runs.train_anew(**options, work_dir=tmp_path, resume=str(best))


def test_a_folder_of_broken_checkpoints_is_no_new_start(
    options: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "epoch_1.pth").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(FishdetError, match=r"no checkpoint in .* to go on from: .*epoch_1.pth"):
        runs.train_anew(**options, work_dir=tmp_path, resume="auto")
    assert newest_good(tmp_path)[0] is None


@pytest.mark.slow
def test_two_processes_stop_together_and_resume_exactly(
    tiny_config: Path, drawn_data: Path, tmp_path: Path
) -> None:
    """Only the second is asked to stop; gloo, one thread each."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = json.dumps(
        {
            "folder": str(tmp_path), "config": str(tiny_config), "data": str(drawn_data),
            "precision": "fp32", "seed": 5, "epochs": 2, "launcher": "pytorch",
            "cfg_options": {"train_dataloader.batch_size": 1, **FEW},
        }
    )  # fmt: skip
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    processes = [
        subprocess.Popen(
            [sys.executable, runs.__file__, options], cwd=ROOT, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, **shared, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT),
                 "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(2)
    ]  # fmt: skip
    outputs = [process.communicate(timeout=600)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs[0][-3000:]
    assert "Removed interrupted_iter_2.pth" in outputs[0], "it was stopped, and went on to the end"
    assert not list((tmp_path / "parts").glob("interrupted_*"))
    expected = kill_resume.final_state(tmp_path / "whole")
    assert kill_resume.differences(expected, kill_resume.final_state(tmp_path / "parts")) == []


@pytest.mark.slow
def test_killed_at_twenty_moments(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "kill_resume.py"), "--kills", "20"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert "20 of 20 equal" in done.stdout
