"""The runs of a benchmark: which there are, which are done, what they take."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from fish_dataset.files import file_sha256, read_json, write_json
from fish_dataset.layout import Split, find_splits
from fishdet.config import load_config
from fishdet.errors import FishdetError

from .spec import DataSpec, ModelSpec, Spec
from .store import DONE, FAILED, SETTINGS, records, seconds, state_of


@dataclass(frozen=True)
class Run:
    """One training and its evaluation."""

    model: ModelSpec
    data: DataSpec
    seed: int
    checkpoint: str
    latency_images: int
    digests: dict[str, str]

    @property
    def name(self) -> str:
        """Name of its folder."""
        return f"{self.data.name}__{self.model.name}__seed{self.seed}"

    def settings(self) -> dict[str, Any]:
        """Return all as JSON data."""
        return json.loads(json.dumps(asdict(self), default=str))


def runs_of(spec: Spec) -> list[Run]:
    """Return the runs, seeds outermost: a benchmark that is cut off has every pair at least once.

    Raises:
        FishDataError: a data folder that cannot be read.
        FishdetError: a split that is not there, or a config that cannot be read.
    """
    configs = {model.name: _config_digest(model) for model in spec.models}
    sets = {data.name: _data_digests(data) for data in spec.data}
    further = [seed for model in spec.models for seed in model.seeds or ()]
    return [
        Run(model, data, seed, spec.checkpoint, spec.latency_images,
            {"config": configs[model.name], **sets[data.name]})
        for seed in dict.fromkeys([*spec.seeds, *further]) for data in spec.data
        for model in spec.models if seed in (model.seeds or spec.seeds)
    ]  # fmt: skip


def only(runs: Sequence[Run], patterns: Sequence[str] | None) -> list[Run]:
    """Return the runs whose name fits one of the patterns, all without any.

    Args:
        runs: of the benchmark.
        patterns: as of file names: ``reef__*``, ``*lite0*``, ``*seed0``.

    Raises:
        FishdetError: a pattern that fits none.
    """
    if not patterns:
        return list(runs)
    for pattern in patterns:
        if not any(fnmatchcase(run.name, pattern) for run in runs):
            names = ", ".join(run.name for run in runs)
            raise FishdetError(f"--only {pattern}: fits none of {names}")
    return [run for run in runs if any(fnmatchcase(run.name, p) for p in patterns)]


def split_of(path: Path, split: str) -> Split:
    """Return a split of a data folder.

    Raises:
        FishDataError: the folder cannot be read.
        FishdetError: it has no such split.
    """
    splits = find_splits(path)
    if split not in splits:
        raise FishdetError(f"{path}: has no {split} split, only {', '.join(splits)}")
    return splits[split]


def prepare(out: Path, run: Run) -> Path:
    """Make the folder of a run with its settings and return it.

    Raises:
        FishdetError: the folder holds a run of other settings.
    """
    folder = out / "runs" / run.name
    path = folder / SETTINGS
    if path.is_file() and state_of(folder) != "new":
        _require_same(read_json(path), run.settings(), folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(path, run.settings())
    return folder


def waiting(out: Path, runs: Sequence[Run], retry: bool) -> list[Run]:
    """Return the runs that are still to do; failed ones only with ``retry``."""
    over = {DONE} if retry else {DONE, FAILED}
    return [run for run in runs if state_of(out / "runs" / run.name) not in over]


def expected_seconds(out: Path, run: Run) -> float | None:
    """Return what a run is going to take: as its like took, else as measured steps say."""
    like = [
        seconds(record) for _, record in records(out)
        if record["state"] == DONE and record.get("attempts")
        and (record["model"]["name"], record["data"]["name"]) == (run.model.name, run.data.name)
    ]  # fmt: skip
    if like:
        return sum(like) / len(like)
    path = estimate_file(out, run)
    return read_json(path)["seconds"] if path.is_file() else None


def estimate_file(out: Path, run: Run) -> Path:
    """Return where the measured steps of a detector on a data set are kept."""
    return out / "estimates" / f"{run.data.name}__{run.model.name}.json"


def _config_digest(model: ModelSpec) -> str:
    values = load_config(model.config, dict(model.cfg_options)).to_dict()
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def _data_digests(data: DataSpec) -> dict[str, str]:
    return {name: file_sha256(split_of(data.path, name).ann_file) for name in ("train", data.split)}


def _require_same(old: dict[str, Any], new: dict[str, Any], folder: Path) -> None:
    for values in (old, new):  # where files lie changes no result
        values["model"].pop("config", None)
        values["model"].pop("seeds", None)
        values["data"].pop("path", None)
        values.pop("latency_images", None)
    changed = [
        f"{key}.{part}: {old[key].get(part)!r} → {new[key].get(part)!r}"
        for key in ("model", "data", "digests")
        for part in sorted({*old[key], *new[key]})
        if old[key].get(part) != new[key].get(part)
    ]
    if old["checkpoint"] != new["checkpoint"]:
        changed.append(f"checkpoint: {old['checkpoint']!r} → {new['checkpoint']!r}")
    if changed:
        raise FishdetError(
            f"{folder} was begun with other settings: {'; '.join(changed)}. Give the detector or "
            "the data set another name, choose another --out, or move the folder away."
        )
