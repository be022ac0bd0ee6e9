"""From a config and a checkpoint to a network and its test pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmdet.registry import MODELS, TRANSFORMS
from mmdet.utils import get_test_pipeline_cfg, register_all_modules
from mmengine.config import Config, ConfigDict
from mmengine.model.utils import revert_sync_batchnorm

import fishdet.registered  # noqa: F401
from fishdet.checkpoint import classes_of, config_of, load_state
from fishdet.checkpoint.safety.guard import guarded_build
from fishdet.checkpoint.safety.trusted_config import check_config, without_files
from fishdet.config import load_config, nested_dicts, set_num_classes
from fishdet.errors import FishdetError

Transform = Callable[[dict[str, Any]], "dict[str, Any] | None"]
ARRAY_LOADER = "mmdet.LoadImageFromNDArray"


def config_for(
    checkpoint: Mapping[str, Any], config: str | Path | Config | None, name: str
) -> Config:
    """Return the config to build from: the caller's, else the checkpoint's own.

    The checkpoint's own is checked, as it may be a stranger's: its types must be registered
    parts. A config file of the caller's is Python and runs, as everywhere in MMDetection; where
    it names no classes, its heads get as many as the checkpoint names.

    Args:
        checkpoint: what ``load_checkpoint`` returned.
        config: a config, its path, or None.
        name: the checkpoint's file, for messages.

    Raises:
        FishdetError: neither has a config, the file is unreadable, or a type is not allowed.
    """
    if isinstance(config, Config):
        return config
    if config is not None:
        cfg = load_config(config)
        names = classes_of(checkpoint)
        if names and _configured_classes(cfg) is None:
            set_num_classes(cfg, len(names))  # configs are written for any data
        return cfg
    own = config_of(checkpoint)
    if own is None:
        text = "cfg" in (checkpoint.get("meta") or {})
        has = "its config is Python text, which is not run" if text else "carries no config"
        raise FishdetError(
            f"{name}: {has}; name the config that it was trained with by --config "
            "(config= in Python)"
        )
    check_config(own, pipeline_steps(own, name))
    return own


def build_network(
    cfg: Config, state_dict: Mapping[str, torch.Tensor], device: str
) -> torch.nn.Module:
    """Return the network of ``cfg.model`` with its weights, in evaluation mode.

    No initial weights are fetched: every weight comes from ``state_dict``.

    Raises:
        FishdetError: the model cannot be built, or the weights do not fit it.
    """
    register_all_modules(init_default_scope=True)
    try:
        with guarded_build(state_dict):
            model = MODELS.build(ConfigDict(without_files(cfg.model.to_dict())))
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError, ImportError,
            RuntimeError, MemoryError, OverflowError, ZeroDivisionError) as error:  # fmt: skip
        raise FishdetError(f"the config's model cannot be built: {error}") from error
    load_state(model, state_dict)
    model = revert_sync_batchnorm(model).to(device).to(memory_format=torch.channels_last)
    return model.eval()


def build_pipeline(cfg: Config, name: str) -> list[Transform]:
    """Return the transforms of the config's test pipeline for images that are loaded already."""
    register_all_modules(init_default_scope=True)
    return [TRANSFORMS.build(transform) for transform in pipeline_steps(cfg, name)]


def class_names(cfg: Config, checkpoint: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the class names in the order of the labels.

    Raises:
        FishdetError: config and checkpoint name other classes or another order, or neither
            names any.
    """
    stored, configured = classes_of(checkpoint), _configured_classes(cfg)
    if stored and configured and stored != configured:
        raise FishdetError(
            f"{name}: the classes of the checkpoint and of the config differ\n"
            f"  checkpoint: {', '.join(stored)}\n  config:     {', '.join(configured)}\n"
            "use the config that the checkpoint was trained with"
        )
    names = stored or configured
    if not names:
        raise FishdetError(
            f"{name}: neither the checkpoint (meta.dataset_meta.classes) nor the config "
            "(test_dataloader.dataset.metainfo.classes) names the classes"
        )
    return names


def require_class_count(cfg: Config, names: Sequence[str], name: str) -> None:
    """Raise FishdetError if no head of the config has as many classes as are named."""
    model = cfg.get("model") or {}
    numbers = {part["num_classes"] for part in nested_dicts(model) if "num_classes" in part}
    if numbers and len(names) not in numbers:
        raise FishdetError(
            f"{name}: {len(names)} classes are named ({', '.join(names)}), and the heads of its "
            f"config have num_classes {', '.join(map(str, sorted(numbers)))}"
        )


def _configured_classes(cfg: Config) -> tuple[str, ...] | None:
    dataset = (cfg.get("test_dataloader") or {}).get("dataset") or {}
    names = (dataset.get("metainfo") or {}).get("classes")
    return tuple(map(str, names)) if isinstance(names, Sequence) and names else None


def pipeline_steps(cfg: Config, name: str) -> list[dict[str, Any]]:
    """Return the settings of the config's test pipeline for images that are loaded already.

    Raises:
        FishdetError: there is none, or it does not begin with loading.
    """
    try:
        steps = [dict(step) for step in get_test_pipeline_cfg(cfg)]
    except (AttributeError, KeyError, TypeError, RuntimeError) as error:
        raise FishdetError(
            f"{name}: its config has no test_dataloader.dataset.pipeline: {error}"
        ) from error
    wanted = [step for step in steps if "LoadAnnotations" not in str(step.get("type"))]
    if not wanted or "LoadImageFrom" not in str(wanted[0].get("type")):
        raise FishdetError(f"{name}: the test pipeline of its config does not begin with loading")
    loader = {"type": ARRAY_LOADER, "to_float32": bool(wanted[0].get("to_float32", False))}
    return [loader, *wanted[1:]]
