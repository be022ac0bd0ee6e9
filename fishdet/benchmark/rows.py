"""Records to rows of a table: one a detector and data set, over its seeds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from fishdet.errors import FishdetError

from .pairs import Judgement, Score, judge
from .scoring import read_run
from .store import DONE, FAILED, NEW, Record, not_started, records

UNEVEN = 1.2  # the longest time of a seed over the shortest, above which it is said


@dataclass(frozen=True)
class Row:
    """A detector on a data set.

    ``scores`` by ``bbox_mAP`` …, empty where no seed is done. ``cost`` has ``parameters``,
    ``gmacs``, ``latency_ms``, ``latency_q1``, ``latency_q3``, ``train_minutes``, ``peak_gib``,
    None where not known: times of the fastest seed, which other work disturbed least, the rest
    means over the seeds. ``notes`` say what a reader must know: failed seeds with their reason,
    imported, no detections, times that differ by seed. ``failed``: a seed has failed and none is
    done.
    """

    data: str
    model: str
    scores: dict[str, Score]
    cost: dict[str, float | None]
    train_images: int | None
    notes: tuple[str, ...]
    failed: bool = False


@dataclass(frozen=True)
class Board:
    """All detectors on one ground truth under one name, and which of them differ."""

    data: str
    truth: str
    rows: list[Row]
    judgement: Judgement | None


@dataclass
class _Group:
    done: dict[str, list[tuple[Path, Record]]] = field(default_factory=lambda: defaultdict(list))
    other: dict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))


def boards(
    out: Path, *, statistic: str, by: Sequence[str] | None, resamples: int | None
) -> list[Board]:
    """Read a benchmark and return a board for each data set.

    Raises:
        FishdetError: nothing has run yet; or one name stands for two ground truths.
    """
    groups: dict[str, _Group] = defaultdict(_Group)
    for folder, record in records(out):
        group, model = groups[record["data"]["name"]], record["model"]["name"]
        if record["state"] == DONE:
            group.done[model].append((folder, record))
        else:
            group.other[model].append(record)
    for settings in not_started(out):
        groups[settings["data"]["name"]].other[settings["model"]["name"]].append(settings)
    if not groups:
        raise FishdetError(f"{out}: no runs; start them: tools/benchmark.py run SPEC --out {out}")
    return [_board(out, name, group, statistic, by, resamples) for name, group in groups.items()]


def _board(
    out: Path,
    name: str,
    group: _Group,
    statistic: str,
    by: Sequence[str] | None,
    resamples: int | None,
) -> Board:
    truth = _one_truth(name, group)
    found = None
    if group.done:
        read = {
            model: [read_run(out, folder, record) for folder, record in runs]
            for model, runs in group.done.items()
        }
        annotations = next(iter(read.values()))[0][0]
        detectors = {model: [d for _, d in runs] for model, runs in read.items()}
        found = judge(annotations, detectors, statistic=statistic, by=by, resamples=resamples)
    models = sorted({*group.done, *group.other}, key=lambda m: _rank(found, m))
    done = {model: [record for _, record in runs] for model, runs in group.done.items()}
    rows = [
        _row(name, model, found, done.get(model, []), group.other.get(model, []))
        for model in models
    ]
    return Board(name, truth, rows, found)


def _one_truth(name: str, group: _Group) -> str:
    truths = {record["truth"]: model for model, runs in group.done.items() for _, record in runs}
    if len(truths) > 1:
        raise FishdetError(
            f"data set {name!r} stands for {len(truths)} ground truths "
            f"({', '.join(f'{digest[:12]} of {model}' for digest, model in truths.items())}): "
            "its annotation file has changed; give the runs on each another data name"
        )
    return next(iter(truths), "")


def _rank(found: Judgement | None, model: str) -> tuple[float, str]:
    scores = found.scores.get(model) if found else None
    return (-scores[found.statistic].value if found and scores else 1.0), model


def _row(
    data: str, model: str, found: Judgement | None, done: list[Record], other: list[Record]
) -> Row:
    notes = [note for record in done for note in record.get("notes", [])]
    notes += _unfinished(other)
    notes += _uneven(done)
    images = {record["train_images"] for record in done if record.get("train_images")}
    return Row(
        data,
        model,
        dict(found.scores.get(model, {})) if found else {},
        _cost(done),
        max(images) if images else None,
        tuple(dict.fromkeys(notes)),
        not done and any(record["state"] == FAILED for record in other),
    )


def _unfinished(other: list[Record]) -> list[str]:
    seeds: dict[str, list[str]] = defaultdict(list)
    for record in other:
        what = {NEW: "not started", FAILED: f"failed: {record.get('reason', '')}"}
        seeds[what.get(record["state"], "not finished")].append(str(record["seed"]))
    return [
        f"{'seeds' if len(own) > 1 else 'seed'} {', '.join(own)} {what}"
        for what, own in seeds.items()
    ]


def _uneven(done: list[Record]) -> list[str]:
    """Say where seeds took times so different that they cannot be the detector's."""
    notes = []
    for what, unit, values in (
        ("latency", "ms", [_latency(r).get("median_ms") for r in done]),
        ("training", "min", _minutes(done)),
    ):
        known = sorted(value for value in values if value is not None)
        if known and known[-1] > UNEVEN * known[0]:
            told = ", ".join(f"{value:.1f}" for value in known)
            notes.append(f"{what} by seed: {told} {unit}; the shortest is shown")
    return notes


def _minutes(done: list[Record]) -> list[float]:
    return [r["train_seconds"] / 60 for r in done if r.get("train_seconds") is not None]


def _latency(record: Record) -> dict[str, Any]:
    return (record.get("cost") or {}).get("latency") or {}


def _cost(done: list[Record]) -> dict[str, float | None]:
    costs: list[dict[str, Any]] = [record.get("cost") or {} for record in done]
    times = [time for record in done if (time := _latency(record))]
    fastest = min(times, key=lambda time: time["median_ms"], default={})
    return {
        "parameters": _mean(costs, "parameters"),
        "gmacs": _mean(costs, "gmacs"),
        "latency_ms": fastest.get("median_ms"),
        "latency_q1": fastest.get("q1_ms"),
        "latency_q3": fastest.get("q3_ms"),
        "train_minutes": min(_minutes(done), default=None),
        "peak_gib": _mean(done, "peak_gib"),
    }


def _mean(rows: Sequence[dict[str, Any]], key: str) -> float | None:
    values = [row[key] for row in rows if row.get(key) is not None]
    return fmean(values) if values else None
