"""Hostile files do their work with torch and MMDetection alone, and none of it here."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from fishdet.checkpoint.load import load_checkpoint
from fishdet.errors import FishdetError

SCRIPT = Path(__file__).parent / "attack_files.py"
ROOT = Path(__file__).resolve().parents[4]
EXECUTED = ("pickle", "legacy", "raw", "config", "imports", "dotted", "nms", "warp")
# What our message must name.
REFUSALS = {
    "pickle": "never unpickled",
    "legacy": "never unpickled",
    "raw": "never unpickled",
    "config": "its config is Python text, which is not run",
    "imports": "asks to import 'evil_module'",
    "dotted": "type 'subprocess.Popen' in model.backbone.type",
    "scope": "model.backbone._scope_",
    "nms": "in model.test_cfg.nms.type",
    "warp": "'CameraMotionCompensation'",
    "fetch": "names an address in model.backbone.model_name",
    "language": "'BertModel'",
    "pipeline": "'os.system'",
    "terabytes": "asks for more than",
    "classes": "num_classes = 1099511627776",
    "layers": "endless operations|more than 20,000 modules|more than",
    "stages": "num_stages = 1125899906842624",
    "dilation": "dilations",
    "padding": "pad_size_divisor",
    "deep": "nested deeper",
    "many": "more than 100,000 values",
    "nested": "nested deeper",
    "repeated": "asks for more than",
    "bomb": "is compressed",
    "overlap": "overlap",
}


def attack_files() -> ModuleType:
    spec = importlib.util.spec_from_file_location("attack_files", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["attack_files"] = module  # pickles name its classes
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("attacks")
    attack_files().make(path)
    assert not list((path / "marks").iterdir())
    return path


@pytest.fixture(scope="module")
def outcome(folder: Path) -> Any:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder)],
        cwd=ROOT, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def ours(outcome: Any) -> dict[str, Any]:
    return outcome["ours"]["results"]


@pytest.fixture(scope="module")
def bare(outcome: Any) -> dict[str, Any]:
    return outcome["bare"]["results"]


@pytest.mark.parametrize("name", REFUSALS)
def test_refused_by_name(name: str, ours: dict[str, Any]) -> None:
    assert ours[name]["kind"] == "FishdetError", ours[name]
    assert any(part in ours[name]["message"] for part in REFUSALS[name].split("|")), ours[name]
    assert ours[name]["grown_mib"] < 150


def test_every_attack_is_tried_and_none_executes(outcome: Any) -> None:
    assert set(outcome["ours"]["results"]) == set(REFUSALS)
    assert outcome["ours"]["executed"] == []


@pytest.mark.parametrize("name", EXECUTED)
def test_executed_without_us(name: str, outcome: Any) -> None:
    assert name in outcome["bare"]["executed"], outcome["bare"]["results"][name]


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("bomb", ("RuntimeError", "MemoryError")),
        ("terabytes", ("RuntimeError", "MemoryError")),
        ("nested", ("RecursionError",)),
    ],
)
def test_exhausts_without_us(name: str, kinds: tuple[str, ...], bare: dict[str, Any]) -> None:
    assert bare[name]["kind"] in kinds, bare[name]


def test_the_bomb_is_small(folder: Path) -> None:
    assert (folder / "bomb.pth").stat().st_size < 10 * 2**20


def test_trust_pickle_is_the_only_way_and_warns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.pth"
    torch.save({"state_dict": {"w": torch.ones(2)}, "note": Path("x")}, path)
    with pytest.raises(FishdetError, match="--trust-pickle"):
        load_checkpoint(path)
    assert load_checkpoint(path, trust_pickle=True)["note"] == Path("x")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: {path}: --trust-pickle: the file may run any code")
