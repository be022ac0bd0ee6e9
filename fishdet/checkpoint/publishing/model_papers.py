"""What a published model says of itself, gathered from checkpoint, config and records."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from fish_dataset.catalogue import find

from ..papers import pack
from ..published import FORMAT
from ..safety.trusted_config import without_files
from .found_errors import read_errors
from .measured import read_calibration
from .run_records import (
    RunRecords,
    dataset_name,
    folder_splits,
    recorded_splits,
    without_machine_paths,
)

_RUN_FIELDS = ("work_dir", "load_from", "resume", "launcher", "trust_pickle", "publish")


@dataclass(frozen=True)
class PublishOptions:
    """The choices of one publication; each mirrors a flag of ``tools/publish.py``."""

    checkpoint: Path
    out: Path | None = None
    half: bool = False
    name: str | None = None
    licence: str | None = None
    parent: str | None = None
    data: Path | None = None
    config: Path | None = None
    images: Sequence[Path] = ()
    errors: Path | None = None
    trust_pickle: bool = False


def model_papers(
    options: PublishOptions,
    checkpoint: Mapping[str, Any],
    cfg: Config,
    classes: Sequence[str],
    records: RunRecords,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return all that a published model says of itself, and notes; what is not known is null."""
    meta = checkpoint.get("meta") or {}
    digest = (meta.get("fishdet") or {}).get("data_digest")
    environment = records.environment
    data = options.data.resolve().name if options.data else dataset_name(environment)
    splits = folder_splits(options.data, digest) if options.data else recorded_splits(environment)
    config_name = _config_name(options, meta)
    file = options.checkpoint
    calibration, notes = read_calibration(file.parent, file.name, classes)
    errors, more = read_errors(file, options.errors)
    papers = {
        "format": FORMAT,
        "name": options.name or "_".join(_slug(p) for p in (config_name, data) if p),
        "config_name": config_name,
        "config": pack(portable_config(cfg)),
        "classes": [{"name": name, "species": _species_id(name)} for name in classes],
        "data": {"name": data, "digest": digest, "splits": splits},
        "metrics": records.metrics,
        "errors": errors,
        "calibration": {**calibration, "score_thr": _score_thr(cfg)},
        "preprocessing": preprocessing(cfg),
        "versions": environment.get("versions"),
        "commit": environment.get("commit"),
        "command": without_machine_paths(environment.get("command")),
        "seed": environment.get("seed"),
        "precision": cfg.get("precision"),
        "licence": options.licence,
        "parent": options.parent,
    }
    return papers, (*notes, *more)


def portable_config(cfg: Config) -> dict[str, Any]:
    """Return a config as data without what holds on one machine only: paths, files, resuming."""
    config = without_files(cfg.to_dict())
    kept = {key: value for key, value in config.items() if key not in _RUN_FIELDS}
    return without_machine_paths(kept)


def preprocessing(cfg: Config) -> dict[str, Any]:
    """Return what is done to a picture before the network: for runtimes that read no mmdet config.

    ``mean`` and ``std`` are in the order of the channels after ``to_rgb``; ``scale`` is (width,
    height) in pixels.
    """
    stage = cfg.model.get("data_preprocessor") or {}
    dataset = (cfg.get("test_dataloader") or {}).get("dataset") or {}
    steps = [dict(step) for step in dataset.get("pipeline") or []]
    resize = next((step for step in steps if "Resize" in str(step.get("type"))), {})
    return {
        "mean": list(stage.get("mean") or []) or None,
        "std": list(stage.get("std") or []) or None,
        "to_rgb": bool(stage.get("bgr_to_rgb", False)),
        "scale": list(resize["scale"]) if isinstance(resize.get("scale"), tuple | list) else None,
        "keep_ratio": resize.get("keep_ratio"),
        "pad_size_divisor": stage.get("pad_size_divisor", 1),
    }


def _config_name(options: PublishOptions, meta: Mapping[str, Any]) -> str:
    if options.config is not None:
        return options.config.stem
    run = str(meta.get("experiment_name") or options.checkpoint.stem)
    return re.sub(r"_\d{8}_\d{6}$", "", run)  # mmengine names a run by its config and the time


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "data"


def _species_id(name: str) -> str | None:
    species = find(name)
    return species.id if species else None


def _score_thr(cfg: Config) -> float | None:
    test = cfg.model.get("test_cfg") or {}
    part = test.get("rcnn") or test
    value = part.get("score_thr")
    return float(value) if isinstance(value, int | float) else None
