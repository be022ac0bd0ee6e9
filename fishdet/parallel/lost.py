"""What the processes that are left say when another one is gone or hangs, or a loader worker."""

from __future__ import annotations

import multiprocessing
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.dist import get_rank, get_world_size

from fish_dataset.errors import FishDataError
from fishdet.errors import FishdetError

# gloo raises plain RuntimeErrors; the words are those of its transport (pair.cc, unbound_buffer.cc)
_GONE = re.compile(
    r"connection (closed|reset|refused)|broken pipe|socket closed|timed out waiting|timeout"
    r"|application timeout caused pair closure|failed to recv|recvValue failed",
    re.IGNORECASE,
)
_HUNG_WORKER = re.compile(r"DataLoader timed out after (?P<seconds>\S+) seconds")
_DEAD_WORKER = re.compile(r"DataLoader worker \(pid\(?s?\)? (?P<pids>[\d, ]+)\)")


class ProcessLost(FishdetError):
    """Another process of the training, or a loader worker, is gone or does not answer."""


@contextmanager
def explaining_lost_process(timeout: float) -> Iterator[None]:
    """Turn what torch raises for a lost process or worker into a word for the user.

    Args:
        timeout: seconds after which a process gives up waiting for another one.

    Raises:
        ProcessLost: says what is lost and how to go on.
        FishDataError: a fault in the data that a loader worker met, without the traceback that
            torch writes into its message.
    """
    try:
        yield
    except FishDataError as error:
        raise from_worker(error) from error
    except RuntimeError as error:
        message = explain(error, timeout)
        if message is None:
            raise
        # one that is stopped or waits for a disk that hangs ignores SIGTERM, and python would
        # wait for it at its own end
        for worker in multiprocessing.active_children():
            worker.kill()
        raise ProcessLost(message) from error


def from_worker(error: FishDataError) -> FishDataError:
    """Return the error that a loader worker raised; any other one as it is."""
    before, mark, message = str(error).rpartition("FishDataError: ")
    if mark and before.startswith("Caught FishDataError in DataLoader worker"):
        return FishDataError(message.strip())
    return error


def explain(error: RuntimeError, timeout: float) -> str | None:
    """Return the message for the user, or None for an error of another kind."""
    text = str(error)
    hung = _HUNG_WORKER.search(text)
    if hung:
        return (
            f"no batch came from the loader workers for {hung['seconds']} s: a disk or network "
            "that hangs, or a transform that never ends. Training stops; go on with the same "
            "command and --resume. A longer wait: --cfg-options "
            "train_dataloader.timeout=SECONDS (0 waits for ever)."
        )
    dead = _DEAD_WORKER.search(text)
    if dead:
        return (
            f"a loader worker (process {dead['pids'].strip(', ')}) died, most often for want of "
            "memory. Training stops; go on with the same command and --resume, with fewer workers "
            "(--cfg-options train_dataloader.num_workers=N) where memory was short."
        )
    lost = isinstance(error, torch.distributed.DistError)
    asked = int(os.environ.get("WORLD_SIZE", "1"))  # known before any has met another
    if lost and asked > 1 and not torch.distributed.is_initialized():
        return (
            f"process {os.environ.get('RANK', '?')} of {asked}: not all came together within "
            f"{timeout:.0f} s. Another one died, is slow, or cannot reach "
            f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}; its output says "
            "more. A longer wait: --cfg-options env_cfg.dist_cfg.timeout=SECONDS. "
            f"({text.strip().splitlines()[0][:200]})"
        )
    if get_world_size() > 1 and (lost or _lost(text)):
        first_line = text.strip().splitlines()[0]
        return (
            f"process {get_rank()} of {get_world_size()} has lost another one: it is dead, or did "
            f"not answer for {timeout:.0f} s (--cfg-options env_cfg.dist_cfg.timeout=SECONDS). The "
            "reason stands in that one's output. Training stops here; go on with the same command "
            f"and --resume. ({first_line[:200]})"
        )
    return None


def _lost(text: str) -> bool:
    return ("gloo" in text or "NCCL" in text) and _GONE.search(text) is not None
