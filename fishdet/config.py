"""Config files: reading them, and the settings that command lines change in them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict

from fishdet.errors import FishdetError
from fishdet.precision import precision_name, resolve_precision

OPTIM_WRAPPERS = ("OptimWrapper", "AmpOptimWrapper", "CpuAmpOptimWrapper")
LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")
LOADER_TIMEOUT = 300  # seconds without a batch from a worker, after which it counts as hung


_BROKEN = (SyntaxError, OSError, ImportError, NameError, KeyError, TypeError, ValueError,
           AttributeError)  # fmt: skip


def load_config(path: str | Path, options: dict[str, Any] | None = None) -> Config:
    """Read a config file and merge ``--cfg-options`` into it.

    Raises:
        FishdetError: no such file, a base that is missing, or text that is not a config.
    """
    path = Path(path)
    if not path.is_file():
        raise FishdetError(
            f"config {path}: no such file; the configs of this project are in configs/"
        )
    try:
        cfg = Config.fromfile(str(path))
    except _BROKEN as error:
        raise FishdetError(
            f"config {path} cannot be read: {type(error).__name__}: {error}"
        ) from error
    if options:
        merge_options(cfg, options)
    return cfg


def merge_options(cfg: Config, options: dict[str, Any]) -> None:
    """Merge dotted ``key=value`` options, as MMDetection's ``--cfg-options``.

    Raises:
        FishdetError: a key that goes through something that is no dict, or that starts with a
            slip of the pen.
    """
    for key in options:
        first = key.split(".")[0]
        near = difflib.get_close_matches(first, list(cfg), n=1, cutoff=0.8)
        if first not in cfg and near:
            raise FishdetError(
                f"--cfg-options {key}: the config has no {first!r}; did you mean {near[0]!r}?"
            )
    try:
        cfg.merge_from_dict(options)
    except (KeyError, TypeError, AssertionError, IndexError) as error:
        raise FishdetError(f"--cfg-options {options}: {error}") from error


def nested_dicts(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every dict inside a config value, outer ones first."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from nested_dicts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from nested_dicts(item)


def set_img_scale(cfg: Config, scale: tuple[int, int]) -> None:
    """Set the picture size (width, height in pixels) of every resizing transform.

    Sizes in a config that differ from its ``img_scale``, as those of a pipeline that starts
    small, keep their proportion to it, in steps of 32.
    """
    base = cfg.get("img_scale")
    for part in (*LOADERS, "custom_hooks"):
        for transform in nested_dicts(cfg.get(part) or {}):
            if "Resize" in str(transform.get("type", "")) and "scale" in transform:
                transform["scale"] = _in_proportion(transform["scale"], base, scale)
    cfg.img_scale = tuple(scale)


def _in_proportion(
    old: tuple[int, int], base: tuple[int, int] | None, new: tuple[int, int]
) -> tuple[int, ...]:
    if base is None or tuple(old) == tuple(base):
        return tuple(new)
    return tuple(
        max(32, round(n * o / b / 32) * 32) for n, o, b in zip(new, old, base, strict=True)
    )


def set_num_classes(cfg: Config, number: int) -> None:
    """Set ``num_classes`` in every head of the model that has one."""
    for part in nested_dicts(cfg.get("model") or {}):
        if "num_classes" in part:
            part["num_classes"] = number


def set_epochs(cfg: Config, epochs: int) -> None:
    """Set the length of training in epochs; schedulers and switches move in proportion."""
    if cfg.train_cfg.get("max_epochs") is None:
        raise FishdetError(
            "--epochs: this config trains by iterations; use --cfg-options train_cfg.max_iters=…"
        )
    old = cfg.train_cfg.max_epochs
    cfg.train_cfg.max_epochs = epochs
    for scheduler in cfg.get("param_scheduler") or []:
        if not scheduler.get("by_epoch", True):
            continue
        for key in ("begin", "end", "T_max"):
            if key in scheduler:
                scheduler[key] = round(scheduler[key] * epochs / old)
        if "milestones" in scheduler:
            scheduler["milestones"] = [round(m * epochs / old) for m in scheduler["milestones"]]
    for hook in cfg.get("custom_hooks") or []:
        if "switch_epoch" in hook:
            moved = round(hook["switch_epoch"] * epochs / old)
            hook["switch_epoch"] = min(moved, epochs - 1)  # the last epoch is of the last kind


def set_precision(cfg: Config, wanted: str, device: str) -> torch.dtype:
    """Choose the precision for a device and write it into optimizer, loops and loaders.

    Args:
        cfg: the config, changed in place; ``cfg.precision`` records the choice.
        wanted: see ``fishdet.precision.resolve_precision``.
        device: ``'cpu'`` or ``'cuda'``.

    Raises:
        FishdetError: a format that the device cannot compute in.
    """
    dtype = resolve_precision(wanted, device)
    cfg.precision = precision_name(dtype)
    mixed = dtype != torch.float32
    if device == "cpu":
        _load_in_process(cfg)
    for loader in LOADERS:
        if cfg.get(loader) is not None and not cfg[loader].get("num_workers"):
            cfg[loader].pop("timeout", None)  # torch allows none without workers
    if cfg.get("optim_wrapper") is not None:
        _set_optim_wrapper(cfg.optim_wrapper, cfg.precision, device)
    for loop in ("val_cfg", "test_cfg"):
        if cfg.get(loop) is not None:
            cfg[loop]["fp16"] = mixed
    return dtype


def _load_in_process(cfg: Config) -> None:
    """Load without workers: on a CPU they only take the cores that the network computes on."""
    for loader in LOADERS:
        if cfg.get(loader) is not None:
            cfg[loader].update(num_workers=0, persistent_workers=False, pin_memory=False)


def _set_optim_wrapper(wrapper: ConfigDict, precision: str, device: str) -> None:
    if wrapper.get("type", "OptimWrapper") not in OPTIM_WRAPPERS:
        return
    for key in ("dtype", "loss_scale"):
        wrapper.pop(key, None)
    if precision == "fp32":
        wrapper.type = "OptimWrapper"
    elif device == "cpu":
        wrapper.type = "CpuAmpOptimWrapper"
    else:
        wrapper.type = "AmpOptimWrapper"
        wrapper.loss_scale = "dynamic"
        wrapper.dtype = "bfloat16" if precision == "bf16" else "float16"
