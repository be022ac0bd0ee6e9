"""The benchmarks of speed run to their end at a small size and print a ratio."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow  # a minute or two together
@pytest.mark.parametrize(
    "command",
    [
        "training.py --quick",
        "depthwise.py --quick",
        "winograd.py --quick",
        "winograd.py --quick --networks",
        "prediction.py --quick --only torchvision fishdet,",
        "epoch.py DATA --iterations 1 --turn 1 --warm-up 1 --img-scale 128 96 --bf16",
        "packing.py --repeats 1",
        "suppression.py --repeats 1",
        "allocator.py --rounds 1",
    ],
)
def test_it_prints_a_ratio(command: str, drawn_data: Path) -> None:
    script, *options = command.replace("DATA", str(drawn_data)).split()
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / script), *options],
        capture_output=True, text=True, timeout=600, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert re.search(r"ratio 0?\.?\d", done.stdout), done.stdout
    assert "fails:" not in done.stdout
