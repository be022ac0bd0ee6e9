"""Processes that train one model have to have the same data, code and settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dist import all_gather_object, get_world_size

from fish_dataset.files import file_sha256
from fishdet.config import LOADERS, nested_dicts
from fishdet.environment import git_commit, package_version
from fishdet.errors import FishdetError

PACKAGES = ("torch", "torchvision", "onedl-mmengine", "onedl-mmdetection", "numpy")
SETTINGS = ("model", "optim_wrapper", "param_scheduler", "train_cfg", "randomness", "precision")
_MOST_LINES = 8


def training_facts(cfg: Config) -> dict[str, Any]:
    """Return what all processes must have in common, by name, as plain data.

    Paths are left out: each machine may have its own copy of the data.
    """
    facts: dict[str, Any] = {"code commit": git_commit()}
    facts |= {f"version of {name}": package_version(name) for name in PACKAGES}
    digests: dict[Path, str] = {}
    for loader in LOADERS:
        for dataset in nested_dicts(cfg.get(loader) or {}):
            if "ann_file" not in dataset:
                continue
            name = f"{loader}: {Path(dataset['ann_file']).name}"
            classes = (dataset.get("metainfo") or {}).get("classes", ())
            facts.setdefault(f"classes of {name}", []).extend(classes)  # of several of this name
            path = Path(dataset.get("data_root") or "") / dataset["ann_file"]
            if path not in digests:
                digests[path] = _digest(path)
            facts.setdefault(f"SHA-256 of {name}", []).append(digests[path])
    facts |= {f"{part}.batch_size": (cfg.get(part) or {}).get("batch_size") for part in LOADERS}
    settings = {name: cfg.get(name) for name in SETTINGS if cfg.get(name) is not None}
    return facts | dict(_flat(settings))


def require_agreement(own: Mapping[str, Any]) -> None:
    """Compare the facts of all processes; a collective call. Nothing to do for one process.

    Raises:
        FishdetError: in all processes; lists what differs, with the values by process.
    """
    if get_world_size() == 1:
        return
    lines = differences(all_gather_object(dict(own)))
    if not lines:
        return
    more = [f"… and {len(lines) - _MOST_LINES} more"] if len(lines) > _MOST_LINES else []
    shown = "\n  ".join([*lines[:_MOST_LINES], *more])
    raise FishdetError(
        f"the processes of this training differ:\n  {shown}\n"
        "They would train parts of different models. Start all of them with the same checkout, "
        "packages, config and copy of the data."
    )


def differences(facts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each fact that is not the same in all processes, with each value."""
    lines = []
    for name in dict.fromkeys(name for one in facts for name in one):
        ranks: dict[str, list[int]] = {}
        for rank, one in enumerate(facts):
            ranks.setdefault(_text(one.get(name)), []).append(rank)
        if len(ranks) > 1:
            told = "; ".join(f"{value} (process {_few(who)})" for value, who in ranks.items())
            lines.append(f"{name}: {told}")
    return lines


def _few(ranks: Sequence[int]) -> str:
    shown = ", ".join(map(str, ranks[:4]))
    return shown if len(ranks) <= 4 else f"{shown} and {len(ranks) - 4} more"


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
        for place, item in enumerate(value):
            yield from _flat(item, f"{name}.{place}")
    else:
        yield name, str(value)


def _digest(path: Path) -> str:
    return file_sha256(path) if path.is_file() else "no such file"
