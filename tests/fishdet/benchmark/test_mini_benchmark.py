"""A real benchmark in small: killed midway, started again, compared."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fishdet.benchmark.compare import CompareOptions, compare
from fishdet.benchmark.run import RunOptions, run
from fishdet.benchmark.runs import prepare, runs_of
from fishdet.benchmark.schedule import Slot, conclude, died_of, run_all, slots
from fishdet.benchmark.spec import Spec, make_spec
from fishdet.benchmark.store import FAILED, INTERRUPTED, state_of, truth_file
from fishdet.benchmark.worker import chosen_images, work
from fishdet.errors import FishdetError

ROOT = Path(__file__).resolve().parents[3]
TOOL = str(ROOT / "tools" / "benchmark.py")


@pytest.fixture(scope="module")
def table(drawn_data: Path, tiny_config: Path) -> dict[str, Any]:
    models = [
        {"name": "tiny", "config": str(tiny_config), "epochs": 3, "precision": "fp32"},
        {"name": "broken", "config": str(tiny_config), "epochs": 1,
         "cfg_options": {"model.rpn_head.feat_channels": -3}},
    ]  # fmt: skip
    data = [{"name": "drawn", "path": str(drawn_data), "train_images": 8}]
    return {"models": models, "data": data, "seeds": [0, 1], "latency_images": 1}


def spec_of(table: dict[str, Any]) -> Spec:
    return make_spec(table, "test", Path.cwd())


def start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, TOOL, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 300  # far beyond need: machines can be full
    while time.monotonic() < until:
        if path.exists():
            return
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.01)
    raise AssertionError(f"{path} did not come")


@pytest.mark.slow  # a minute
@pytest.mark.parametrize("seeds", [1, 2])
def test_killed_midway_and_started_again(
    table: dict[str, Any], tmp_path: Path, seeds: int, capsys: pytest.CaptureFixture[str]
) -> None:
    table = {**table, "seeds": list(range(seeds))}
    (tmp_path / "b.json").write_text(json.dumps(table))
    out = tmp_path / "out"
    first = out / "runs/drawn-8__tiny__seed0"
    going = start("run", tmp_path / "b.json", "--out", out)
    wait_for(first / "work/epoch_1.pth", going)
    worker = json.loads((first / "record.json").read_text())["attempts"][0]["process"]
    going.kill()
    os.kill(worker, signal.SIGKILL)
    going.wait()
    assert state_of(first) == "running"

    again = start("run", tmp_path / "b.json", "--out", out)
    said, _ = again.communicate(timeout=300)
    assert again.returncode == 1, said  # one configuration cannot work
    assert f"{2 * seeds} runs: 1 interrupted, {2 * seeds - 1} new; {2 * seeds} to do" in said
    assert "going on from" in (first / "log.txt").read_text()
    record = json.loads((first / "record.json").read_text())
    assert [record["state"], len(record["attempts"]), record["train_images"]] == ["done", 2, 8]
    assert record["cost"]["parameters"] > 1e5 and record["cost"]["latency"]["median_ms"] > 0
    assert record["environment"]["seed"] == 0
    folder = out / f"runs/drawn-8__broken__seed{seeds - 1}"
    failed = json.loads((folder / "record.json").read_text())
    assert failed["state"] == "failed" and "negative dimension -3" in failed["reason"]

    assert run(spec_of(table), RunOptions(out)) == 1
    compare(CompareOptions(out, resamples=200))
    told = capsys.readouterr().out
    assert "nothing left to do" in told
    assert f"| tiny | {seeds} |" in told
    assert f"broken: {'seed 0' if seeds == 1 else 'seeds 0, 1'} failed: RuntimeError" in told
    assert "failed (--retry tries it again)" in told


def test_a_run_leaves_record_and_detections(table: dict[str, Any], tmp_path: Path) -> None:
    tiny = {**table["models"][0], "epochs": 1}
    (only,) = runs_of(spec_of({**table, "models": [tiny], "seeds": [0], "latency_images": 0}))
    folder = prepare(tmp_path, only)
    assert work(folder) == 0
    record = json.loads((folder / "record.json").read_text())
    assert record["state"] == "done" and record["scores"]["images"] == 6
    truth = json.loads(truth_file(tmp_path, record["truth"]).read_text())
    known = {image["id"] for image in truth["images"]}
    found = json.loads((folder / "predictions.json").read_text())
    assert found and {row["image_id"] for row in found} <= known


def test_settings_that_change_are_refused(table: dict[str, Any], tmp_path: Path) -> None:
    (first, *_) = runs_of(spec_of(table))
    folder = prepare(tmp_path, first)
    (folder / "record.json").write_text('{"state": "done"}')
    assert prepare(tmp_path, first) == folder
    models = [{**table["models"][0], "epochs": 5}]
    (other, *_) = runs_of(spec_of({**table, "models": models}))
    with pytest.raises(FishdetError, match="model.epochs: 3 → 5"):
        prepare(tmp_path, other)


def test_images_of_a_part_are_the_smaller_part_of_a_larger_one(table: dict[str, Any]) -> None:
    settings = runs_of(spec_of(table))[0].settings()
    some = set(chosen_images(settings))
    settings["data"]["train_images"] = 11
    more = set(chosen_images(settings))
    assert len(some) == 8 and len(more) == 11 and some < more <= set(range(12))
    settings["data"]["train_images"] = 13
    with pytest.raises(FishdetError, match="train_images = 13: .* has 12 training images"):
        chosen_images(settings)


def test_runs_share_the_places_and_failures_leave_others_going(tmp_path: Path) -> None:
    """Three processes in two places; the second dies by a signal."""
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    script = (
        "import os, sys, time, pathlib\n"
        "p = pathlib.Path(sys.argv[1])\n"
        "if p.name == 'b': os.kill(os.getpid(), 9)\n"
        "time.sleep(0.3); (p / 'place').write_text(os.environ['PLACE']); print('a word')\n"
        "sys.exit(3 if p.name == 'c' else 0)\n"
    )
    ended: dict[str, int] = {}
    run_all(
        folders,
        [Slot("1", {"PLACE": "1"}), Slot("2", {"PLACE": "2"})],
        lambda folder, status: ended.update({folder.name: status}),
        lambda folder: [sys.executable, "-c", script, str(folder)],
    )
    assert ended == {"a": 0, "b": -9, "c": 3}
    assert (tmp_path / "c/place").read_text() == "2"
    assert died_of(-9, tmp_path / "b/log.txt") == "killed by SIGKILL: too little memory?"
    assert died_of(3, tmp_path / "c/log.txt") == "a word"


def test_places_divide_the_cores() -> None:
    assert len(slots(None)) >= 1
    assert len(slots(3)) == 3


def test_a_broken_record_is_named(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text("{")
    with pytest.raises(FishdetError, match="cannot be read"):
        state_of(tmp_path)
    (tmp_path / "record.json").write_text('{"state": "failed"}')
    assert state_of(tmp_path) == FAILED


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (-signal.SIGINT, INTERRUPTED),
        (-signal.SIGTERM, FAILED),
        (-signal.SIGKILL, FAILED),
        (1, FAILED),
    ],
)
def test_a_run_stopped_before_it_could_say_so_goes_on(
    table: dict[str, Any], tmp_path: Path, status: int, state: str
) -> None:
    folder = prepare(tmp_path, runs_of(spec_of(table))[0])
    assert conclude(folder, status)["state"] == state == state_of(folder)


def test_a_long_reason_keeps_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text("before\nKeyError: " + "x" * 400 + "\n\n")
    told = died_of(1, log)
    assert told.startswith("KeyError: xxx") and told.endswith("x…") and len(told) == 300
    log.write_text("KeyError: short\n")
    assert died_of(1, log) == "KeyError: short"


def test_a_plan_says_which_detector_cannot_run_a_step(
    table: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = {**table, "models": table["models"][1:]}  # the broken one, with both seeds
    assert run(spec_of(table), RunOptions(tmp_path, dry_run=True)) == 1
    told = capsys.readouterr().out
    assert "no step could be run: RuntimeError" in told
    assert told.count("  cannot run") == 2
