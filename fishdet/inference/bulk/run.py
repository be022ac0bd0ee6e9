"""Look at very many pictures: what ``tools/predict.py --engine ray`` calls."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from fish_dataset.files import read_json, require_writable, write_json
from fish_dataset.progress import counted
from fish_dataset.wording import number_of
from fishdet.errors import FishdetError

from . import ray_engine
from .addresses import find_addresses
from .parts import done_addresses, error_row, totals, write_part

SETTINGS, SUMMARY = "settings.json", "summary.json"
DIED = "the worker that looked at this picture died each time"


@dataclass(frozen=True)
class BulkOptions:
    """The choices of one run.

    Attributes:
        inputs: see ``find_addresses``.
        out: the folder; on a cluster one that all machines share.
        detector: arguments of ``Detector`` as plain data.
        column: of tables among the inputs.
        chunk: pictures a file and a step of a worker.
        workers: how many; None for one a GPU or a core.
        price: of a device and hour, for the estimate of costs; any currency.
        resume: go on in a folder that has results.
    """

    inputs: Sequence[str]
    out: Path
    detector: Mapping[str, Any]
    column: str | None = None
    chunk: int = 64
    workers: int | None = None
    price: float | None = None
    resume: bool = False


def run_bulk(options: BulkOptions, console: Console) -> dict[str, Any]:
    """Look at all pictures that have no row yet; return and write the summary.

    Raises:
        FishdetError, FishDataError: a mistake in the inputs, another run's folder, or no Ray.
    """
    require_writable(options.out, "--out")
    _require_same(options)
    addresses, twice = find_addresses(options.inputs, options.column, options.out)
    done = done_addresses(options.out)
    left = [address for address in addresses if address not in done]
    console.print(
        f"{number_of(len(addresses), 'picture')}, {len(addresses) - len(left)} of them done; "
        f"{twice} named more than once",
        highlight=False,
    )
    pace, workers = Pace(), 0
    if left:
        ray = ray_engine.start()
        asked = options.detector.get("device"), options.workers
        workers, gpu = ray_engine.devices(ray, *asked)
        write_json(options.out / SETTINGS, _settings(options))
        _look_at(ray, left, options, (workers, gpu), console, pace)
        workers = min(workers, ray_engine.devices(ray, asked[0], None)[0])  # who had a device
    summary: dict[str, Any] = {**totals(options.out), "looked_at": len(left)}
    summary |= {"seconds": round(time.perf_counter() - pace.began, 1), "workers": workers}
    summary |= speed(*pace.steady(), workers, options.price)
    write_json(options.out / SUMMARY, summary)
    return summary


class Pace:
    """How many pictures were looked at in which time, the start of Ray and the workers left out."""

    def __init__(self) -> None:
        self.began = self.first = self.last = time.perf_counter()
        self.before, self.pictures = 0, 0

    def add(self, pictures: int) -> None:
        """Note a chunk that is done."""
        self.last = time.perf_counter()
        if not self.pictures:
            self.first, self.before = self.last, pictures
        self.pictures += pictures

    def steady(self) -> tuple[int, float]:
        """Return pictures and seconds since the first chunk, or of all where there was but one."""
        if self.pictures > self.before and self.last > self.first:
            return self.pictures - self.before, self.last - self.first
        return self.pictures, self.last - self.began


def speed(pictures: int, seconds: float, devices: int, price: float | None) -> dict[str, Any]:
    """Return pictures an hour, in all and a device, and what a million would take and cost."""
    hourly = 3600 * pictures / seconds if pictures and seconds else 0.0
    if not hourly:
        return {}
    found: dict[str, Any] = {
        "pictures_per_hour": round(hourly),
        "pictures_per_hour_and_worker": round(hourly / devices),
        "hours_per_million": round(1e6 / hourly, 2),
    }
    if price is not None:
        found["cost_per_million"] = round(1e6 / hourly * devices * price, 2)
    return found


def _look_at(
    ray: Any,
    left: list[str],
    options: BulkOptions,
    devices: tuple[int, bool],
    console: Console,
    pace: Pace,
) -> None:
    """Look at chunks, then at the pictures of lost chunks one by one; each gets a row."""
    with counted(len(left), "pictures", console) as advance:
        for size in (options.chunk, 1):
            if left:
                work = ray_engine.run_chunks(
                    ray, chunks(left, size), options.detector, options.out, *devices
                )
                for row in work:
                    advance(int(row["pictures"]))
                    pace.add(int(row["pictures"]))
                done = done_addresses(options.out)
                left = [address for address in left if address not in done]
    if left and not done:
        raise FishdetError(
            "no worker could look at a picture; try one with tools/predict.py and no --engine"
        )
    if left:
        write_part(options.out, [error_row(address, DIED) for address in left])


def chunks(addresses: Sequence[str], size: int) -> list[Sequence[str]]:
    """Return the addresses in chunks of ``size``, the last one smaller."""
    return [addresses[start : start + size] for start in range(0, len(addresses), size)]


def _require_same(options: BulkOptions) -> None:
    """Refuse to mix results of two models or thresholds in one folder."""
    path = options.out / SETTINGS
    if not path.is_file():
        return
    if not options.resume:
        raise FishdetError(
            f"--out {options.out} has results of an earlier run; go on with --resume, or name "
            "another folder"
        )
    stored, wanted = read_json(path), _settings(options)
    for key in _differing(stored, wanted):
        raise FishdetError(
            f"{path}: {key} was {stored.get(key)!r}, now {wanted.get(key)!r}; go on with the same, "
            "or name another --out"
        )


def _settings(options: BulkOptions) -> dict[str, Any]:
    return json.loads(json.dumps(dict(options.detector), default=str))


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    where = {"device", "batch_size"}  # of no effect on the results
    return (key for key in sorted({*one, *other} - where) if one.get(key) != other.get(key))
