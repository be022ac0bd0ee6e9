"""Make a config that came inside a checkpoint safe to build from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mmdet.utils import register_all_modules
from mmengine.registry import MODELS, TASK_UTILS, TRANSFORMS

from fishdet.errors import FishdetError

from .limits import require_shape, require_small_numbers

SCOPES = ("mmdet", "mmcv", "mmengine")
# Packages that a config may ask to import; nothing of the list is imported from a checkpoint.
PACKAGES = ("fishdet", "fish_dataset", "tvops", *SCOPES)
# Function names that mmcv.ops.nms.batched_nms passes to ``eval``, and no registry holds.
NMS_TYPES = ("nms", "soft_nms", "nms_match")
# Looked up by name in mmcv.ops by the RoI extractors.
ROI_LAYERS = (
    "RoIAlign",
    "RoIPool",
    "SimpleRoIAlign",
    "DeformRoIPoolPack",
    "ModulatedDeformRoIPoolPack",
)
# Kinds that a module tells apart by itself (cascade RPN, FPG), and looks up nowhere.
KINDS = ("conv", "interpolation_conv", "last_conv", "dilation", "offset")
# CameraMotionCompensation evaluates an argument as Python (``warp_mode``); the others fetch a
# language model or open a file that an argument names, when they are built.
REFUSED = (
    "CameraMotionCompensation",
    "BertModel",
    "ATSSVLFusionHead",
    "VLFusionModule",
    "RandomSamplingNegPos",
    "KnowledgeDistillationSingleStageDetector",
    "LAD",
)
# Fields through which a module's constructor, or its init_weights, would fetch or unpickle files.
FILE_FIELDS = (
    "init_cfg",
    "pretrained",
    "teacher_ckpt",
    "checkpoint",
    "checkpoint_path",
    "pretrained_cfg",
    "pretrained_cfg_overlay",
    "load_from",
)
ADDRESSES = ("://", "hf-hub:", "hf_hub:", "local-dir:")


def check_config(config: Mapping[str, Any], pipeline: Any) -> None:
    """Refuse a checkpoint's own config if building from it could do more than build.

    Args:
        config: the whole config, as data.
        pipeline: its test pipeline.

    Raises:
        FishdetError: too large or too deep, a ``custom_imports`` of other packages, a type that
            is no registered part, an address, or a number without measure.
    """
    require_shape(config, "the checkpoint's config")
    _check_imports(config.get("custom_imports"))
    parts = {"model": without_files(config.get("model")), "test pipeline": pipeline}
    for where, part in parts.items():
        check_types(part, where)
        _check_addresses(part, where)
        require_small_numbers(part, where)


def check_types(value: Any, where: str) -> None:
    """Refuse a ``type`` that is not a registered part.

    mmengine resolves an unknown ``type`` by importing it (``subprocess.Popen`` would be called),
    and mmcv evaluates the type of an NMS as Python, so a stranger's config may name only what
    is registered here.

    Args:
        value: a config, or a part of one.
        where: its name, for the message.

    Raises:
        FishdetError: names the field and the type.
    """
    register_all_modules(init_default_scope=False)
    known = set(registered_names()).difference(REFUSED)
    for field, name in _types(value, where):
        scope, _, part = name.rpartition(".")
        if part not in known or scope not in ("", *SCOPES):
            raise FishdetError(
                f"the checkpoint's config names the type {name!r} in {field}, which is not a part "
                "of this project or of MMDetection; if you trust it, pass its config by --config"
            )


def registered_names() -> Iterator[str]:
    """Yield the name of every model part and transform, and of what mmcv looks up elsewhere."""
    roots = [MODELS, TASK_UTILS, TRANSFORMS]
    while roots:
        one = roots.pop()
        yield from one.module_dict
        roots.extend(one.children.values())
    yield from (*NMS_TYPES, *ROI_LAYERS, *KINDS)


def without_files(value: Any) -> Any:
    """Return a copy of a model config that fetches and reads no file when it is built.

    The weights come from the checkpoint; ``pretrained`` keeps its kind (False, not None).
    """
    if isinstance(value, dict):
        return type(value)(
            {
                key: _emptied(item) if key in FILE_FIELDS else without_files(item)
                for key, item in value.items()
            }
        )
    if isinstance(value, list | tuple):
        return type(value)(without_files(item) for item in value)
    return value


def _emptied(value: Any) -> Any:
    return False if isinstance(value, bool) else None


def _check_imports(imports: Any) -> None:
    names = imports.get("imports") if isinstance(imports, dict) else imports
    listed = [names] if isinstance(names, str) else list(names or [])
    strange = [name for name in listed if str(name).split(".")[0] not in PACKAGES]
    if strange:
        raise FishdetError(
            f"the checkpoint's config asks to import {', '.join(map(repr, strange))} "
            "(custom_imports), which is no part of this project; if you trust it, pass its config "
            "by --config"
        )


def _check_addresses(value: Any, where: str) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _check_addresses(item, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _check_addresses(item, f"{where}[{index}]")
    elif isinstance(value, str) and any(mark in value for mark in ADDRESSES):
        raise FishdetError(
            f"the checkpoint's config names an address in {where}: {value!r}; nothing is fetched "
            "for a model that comes from a file"
        )


def _types(value: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "type":
                yield f"{where}.type", str(item)
            if key == "_scope_" and item not in SCOPES:
                yield f"{where}._scope_", f"{item}."
            yield from _types(item, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _types(item, f"{where}[{index}]")
