"""How many threads PyTorch makes, and for whom."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

ROUNDS = 10_000


def wait_briefly() -> None:
    """Let PyTorch's threads that wait for one another give up their core after a tenth of a
    millisecond or so, unless the environment says how long; to be called before PyTorch is loaded.

    A thread of the network that has to make way, for a picture that is decoded or an answer that is
    written, is waited for by all the others. Those that wait awake keep the cores on which it could
    go on. Without this ``benchmarks/service_load.py`` gives less (docs/service.md).
    """
    if not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & set(os.environ):
        os.environ["GOMP_SPINCOUNT"] = str(ROUNDS)


@contextmanager
def alone() -> Iterator[None]:
    """Let PyTorch compute in the calling thread alone while the block runs.

    libgomp, which PyTorch's wheels for Linux carry, keeps helpers for each thread that ever
    computed with several. Where they are more than the cores, they sleep almost as soon as they
    wait, after 100 rounds in place of 300,000 (GOMP_SPINCOUNT,
    https://gcc.gnu.org/onlinedocs/libgomp/GOMP_005fSPINCOUNT.html, 2026-11-28), and a network of
    many small steps loses time at each. So a model that one thread loads and another one runs is
    loaded within this block.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
