"""Chunks to the workers of a Ray cluster, or of a Ray that is started on this machine."""

from __future__ import annotations

import logging
import os
import socket
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fishdet.errors import FishdetError

from .parts import write_part

RETRIES = 2  # of a chunk whose worker died
OBJECT_STORE = 200 * 2**20  # bytes: addresses and counts alone go through it
CONNECT_SECONDS = 10
TOKEN = (
    ". If the cluster asks for a token, set RAY_AUTH_MODE=token here too, and give it that token: "
    "https://docs.ray.io/en/latest/ray-security/token-auth.html"
)


class RayWorker:
    """A ``Worker`` in a process of Ray's, on a core; writes what it finds."""

    def __init__(self, detector: Mapping[str, Any], out: str) -> None:
        import torch

        from .work import Worker

        torch.set_num_threads(1)
        self.worker, self.out = Worker(detector), Path(out)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Look at a chunk, write its file and return counts."""
        rows = self.worker(list(row["chunk"]))
        write_part(self.out, rows)
        errors = sum(one["error"] is not None for one in rows)
        return {"pictures": len(rows), "errors": errors}


def start() -> Any:
    """Join the cluster of ``RAY_ADDRESS``, or start Ray on this machine, and return the module.

    Raises:
        FishdetError: Ray is not installed, or no cluster answers.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise FishdetError(
            "--engine ray needs Ray, which is not installed: pip install -e '.[distributed]'"
        ) from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*ray_remote_args_fn")  # no successor in 2.60
    if not ray.is_initialized():
        address = os.environ.get("RAY_ADDRESS")
        if address:
            require_answer(address)
        own: dict[str, Any] = {
            "address": "local",  # not a cluster that once was started on this machine
            "include_dashboard": False,
            "object_store_memory": OBJECT_STORE,
        }
        try:
            ray.init(log_to_driver=False, logging_level="ERROR", **({} if address else own))
        except (OSError, ValueError, RuntimeError, ImportError, ray.exceptions.RayError) as error:
            hint = TOKEN if address and "RAY_AUTH_MODE" not in os.environ else ""
            raise FishdetError(
                f"Ray cannot be started (RAY_ADDRESS={address}): {error}{hint}"
            ) from error
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # a chunk whose workers die is tried again, picture by picture
    context.print_on_execution_start = False
    return ray


def require_answer(address: str) -> None:
    """Raise FishdetError where nobody listens at ``host:port``; Ray tries for minutes, in silence.

    ``auto`` and ``local`` are left to Ray.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise FishdetError(
            f"RAY_ADDRESS={address}: no cluster answers there ({error}); start one with ray start "
            "--head, name the address that it prints, or unset RAY_ADDRESS to use this machine"
        ) from error


def _survival() -> dict[str, Any]:
    """How often a worker that died is replaced, and a chunk tried again."""
    return {"max_restarts": -1, "max_task_retries": RETRIES}


def devices(ray: Any, device: str | None, workers: int | None) -> tuple[int, bool]:
    """Return how many workers there are, and whether each takes a GPU.

    Args:
        ray: the module, joined to a cluster.
        device: what the user asks for; None for GPUs where the cluster has any (the machine that
            gives out the work may have none).
        workers: how many the user asks for; None for one a GPU or a core.

    Raises:
        FishdetError: GPUs are asked for and the cluster has none, for which Ray waits for ever.
    """
    resources = ray.cluster_resources()
    gpus = int(resources.get("GPU", 0))
    gpu = device.startswith("cuda") if device else gpus > 0
    if gpu and not gpus:
        raise FishdetError(
            f"--device {device}: Ray knows of no GPU here; leave --device out, or join machines "
            "that have some (ray start --num-gpus N)"
        )
    return workers or max(1, gpus if gpu else int(resources.get("CPU", 1))), gpu


def run_chunks(
    ray: Any,
    chunks: Sequence[Sequence[str]],
    detector: Mapping[str, Any],
    out: Path,
    workers: int,
    gpu: bool,
) -> Iterator[dict[str, Any]]:
    """Yield the counts of each chunk when its file is written, in the order of their ends.

    A worker holds one chunk and has one waiting: no more is read than can be looked at. A chunk
    whose worker died goes to another one, ``RETRIES`` times, and is then left out.
    """
    items = [{"chunk": list(chunk)} for chunk in chunks]
    pool = ray.data.ActorPoolStrategy(
        size=min(workers, len(items)), max_tasks_in_flight_per_actor=2
    )
    yield from (
        ray.data.from_items(items, override_num_blocks=len(items))
        .map(
            RayWorker,
            fn_constructor_args=(dict(detector), str(out)),
            compute=pool,
            num_gpus=1 if gpu else 0,
            num_cpus=1,
            ray_remote_args_fn=_survival,
        )
        .iter_rows()
    )
