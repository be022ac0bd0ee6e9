"""Contenders in processes of their own: what they answer."""

from __future__ import annotations

import functools
import time
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def side_by_side(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import side_by_side

    return side_by_side


@pytest.mark.slow  # imports of a process of its own
def test_it_is_timed_in_its_process_and_says_why_it_fails(side_by_side) -> None:
    waits = side_by_side.Apart(functools.partial, time.sleep, 0.02, keeps_memory=False)
    assert waits(3) >= 0.06 and waits.peak > 0
    waits.close()
    fails = side_by_side.Apart(functools.partial, int, "x", keeps_memory=True)
    with pytest.raises(side_by_side.Failed, match="invalid literal"):
        fails()
    with pytest.raises(side_by_side.Failed, match="invalid literal"):
        side_by_side.Apart(int, "x", keeps_memory=True)


def test_each_contender_says_whether_it_keeps_memory(side_by_side) -> None:
    with pytest.raises(TypeError, match="keeps_memory"):
        side_by_side.Apart(functools.partial, time.sleep, 0)
