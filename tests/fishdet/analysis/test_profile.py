"""The stage clock against known waits, its borders, and the tool on a small detector."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from fishdet.analysis.profile.advice import advice
from fishdet.analysis.profile.clock import Stage, StageClock, peak_of_process
from fishdet.analysis.profile.stages import counting, model_methods

ROOT = Path(__file__).resolve().parents[3]


def test_a_stage_does_not_count_what_it_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    clock = StageClock()
    with clock.stage("outer"):
        now[0] += 1
        for _ in range(2):
            with clock.stage("inner"):
                now[0] += 10
        now[0] += 2
    assert (clock.stages["outer"].seconds, clock.stages["outer"].calls) == (3, 1)
    assert (clock.stages["inner"].seconds, clock.stages["inner"].calls) == (20, 2)


def test_an_error_leaves_the_clock_and_the_methods_as_they_were() -> None:
    class Part:
        def forward(self) -> None:
            raise ValueError

    part, clock = Part(), StageClock()
    with pytest.raises(ValueError), counting(clock, [(part, "forward", "backbone")]):
        part.forward()
    assert "forward" not in vars(part) and clock.stages["backbone"].calls == 1
    with clock.stage("next"):
        pass
    assert clock.stages["next"].seconds < 1


@pytest.mark.skipif(peak_of_process() == 0, reason="this system does not tell a process's peak")
def test_the_peak_belongs_to_the_stage_that_held_it() -> None:
    """In a process of its own: one that has trained keeps what it frees."""
    code = """
from fishdet.analysis.profile.clock import StageClock
clock = StageClock(memory=True)
with clock.stage("small"):
    pass
with clock.stage("large"):
    held = bytearray(b"1") * (512 * 2**20)
    del held
with clock.stage("after"):
    pass
print(*(clock.stages[name].peak for name in ("small", "large", "after")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    small, large, after = (int(peak) / 2**20 for peak in done.stdout.split())
    assert large - small > 200
    assert large - after > 200


def test_parts_that_a_model_has_not_are_left_out() -> None:
    part = SimpleNamespace(forward=lambda: None)
    cascade = SimpleNamespace(
        backbone=part,
        neck=None,
        roi_head=SimpleNamespace(bbox_head=[part, part], bbox_roi_extractor=[part]),
    )
    assert [(name, stage) for _, name, stage in model_methods(cascade)] == [
        ("forward", stage) for stage in ("backbone", "heads", "heads", "RoIAlign")
    ]


def test_advice_follows_the_shares() -> None:
    stages = {"backbone": Stage(1, 6.0), "RoIAlign": Stage(1, 3.0), "NMS": Stage(1, 1.0)}
    facts = {"device": "cpu", "precision": "fp32", "bf16": True, "shapes": 1}
    lines = advice(stages, training=False, facts=facts)
    assert [line for line in lines if "bf16" in line] and "RoIAlign" in lines[-1]
    assert "(30% of the time)" in lines[-1] and "--proposals" in lines[-1]
    assert [line for line in lines if "tools/export.py" in line]
    trained = advice(stages, training=True, facts=facts)
    assert "sampler.num" in trained[-1] and "tools/export.py" not in " ".join(trained)
    assert advice({}, training=True, facts=facts) == []
    settled = advice(stages, training=False, facts={
        **facts, "light": True, "exported": True, "threads": 1, "cores": 2})  # fmt: skip
    assert not any("EfficientNet" in line or "tools/export.py" in line for line in settled)
    assert any("1 of 2 cores" in line for line in settled)
    loading = {"load": Stage(1, 5.0), "backward": Stage(1, 5.0)}
    assert "num_workers" in advice(loading, training=True, facts=facts)[0]


@pytest.mark.slow
def test_the_tool_profiles_training(tiny_config: Path, drawn_data: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace.json"
    told = run("train", tiny_config, "--data", drawn_data, "--steps", 2, "--trace", trace)
    for stage in ("load", "backbone", "RPN loss", "sampling", "RoIAlign", "backward", "optimiser"):
        assert stage in told
    names = {event.get("name") for event in json.loads(trace.read_text())["traceEvents"]}
    assert {"stage: backbone", "stage: backward"} <= names


def run(*arguments: object) -> str:
    command = [sys.executable, str(ROOT / "tools/analysis/profile.py"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
