"""benchmarks/dataset_scale.py runs and prints its ratios; how fast is not a test's business."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "dataset_scale.py"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="reads Linux's /proc")
def test_the_benchmark_prints_every_ratio(tmp_path):
    command = [sys.executable, str(SCRIPT), "--images", "200", "--boxes", "1500"]
    command += ["--rounds", "1", "--workers", "1", "--tmp", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stderr[-2000:]
    for row in ("clock", "cpu", "peak", "peak_added", "held_added"):
        assert re.search(rf"^{row} .*\d\.\d{{3}} +\d\.\d{{3}}$", done.stdout, re.MULTILINE), row
    for row in ("fork", "spawn"):
        assert re.search(rf"^{row} +uss: mmdet +-?\d", done.stdout, re.MULTILINE), row
    for step in ("read", "write", "check", "convert"):
        assert re.search(rf"^{step}( +-?\d+\.\d+){{4}}$", done.stdout, re.MULTILINE), step
    assert not list(tmp_path.iterdir())
