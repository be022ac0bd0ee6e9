"""How torchrun's failures are told: in a line, with a status that says what happened."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch.distributed.run
from torch.distributed.elastic.multiprocessing import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.elastic.rendezvous.api import RendezvousTimeoutError

from fishdet import launch

ROOT = Path(__file__).resolve().parents[3]


def failed(**codes: int) -> ChildFailedError:
    failures = {}
    for rank, code in enumerate(codes.values()):
        failures[rank] = ProcessFailure(local_rank=rank, pid=7, exitcode=code, error_file="none")
        failures[rank].timestamp = 10 - rank  # the last one ended first
    return ChildFailedError("train.py", failures)


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (failed(zero=-15, one=2), 2, "process 1 ended first, with status 2; its reason stands"),
        (failed(zero=2, one=-9), 137, r"process 1 ended first, with signal 9 \(SIGKILL\)"),
        (SignalException("", signal.SIGTERM), 143, "torchrun was sent SIGTERM"),
        (RendezvousTimeoutError(), 1, "the machines of this training did not meet. Not all"),
    ],
)
def test_a_failure_is_a_line(
    error: Exception, status: int, said: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def fail(arguments: list[str]) -> None:
        raise error

    monkeypatch.setattr(torch.distributed.run, "main", fail)
    assert launch.main(["train.py"]) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert re.search(said, line)


@pytest.mark.slow
def test_a_machine_that_nobody_joins_gives_up_in_the_stated_time() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    env = {**os.environ, "NNODES": "2", "MASTER_ADDR": "127.0.0.1", "PORT": port, "MEET": "3",
           "PYTHON": sys.executable, "PYTHONPATH": str(ROOT)}  # fmt: skip
    done = subprocess.run(
        ["bash", str(ROOT / "tools" / "dist_train.sh"), str(ROOT / "configs" / "fish.py"), "1"],
        env=env, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1
    assert "the machines of this training did not meet" in done.stderr
    assert "Traceback" not in done.stderr
