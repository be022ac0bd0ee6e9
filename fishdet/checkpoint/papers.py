"""What travels inside a checkpoint so that it can be used without its author's files."""

from __future__ import annotations

import json
import math
from typing import Any

from mmengine.config import Config

from fish_dataset.annotations import Annotations

from .safety.limits import parse_json

_TUPLE, _FLOAT = "$tuple", "$float"


def checkpoint_papers(cfg: Config, data: dict[str, Any]) -> dict[str, Any]:
    """Return the plain data to store under ``checkpoint['meta']['fishdet']``.

    Args:
        cfg: the run's config.
        data: ``classes`` and ``train.sha256`` of the training data.
    """
    return {
        "config": config_to_json(cfg),
        "classes": list(data["classes"]),
        "data_digest": data["train"]["sha256"],
        "precision": cfg.get("precision"),
    }


def box_counts(annotations: Annotations) -> dict[str, Any]:
    """Return ``boxes`` and ``boxes_by_class``, with crowd and ignored ones, as plain data."""
    counts = annotations.boxes_per_class().tolist()
    by_class = dict(zip(annotations.classes, counts, strict=True))
    return {"boxes": sum(counts), "boxes_by_class": by_class}


def config_to_json(cfg: Config) -> str:
    """Return a config as JSON text; see ``pack``."""
    return json.dumps(pack(cfg.to_dict()), ensure_ascii=False)


def config_from_json(text: str) -> Config:
    """Return the config that ``config_to_json`` wrote; nothing in it is executed.

    Raises:
        FishdetError: the text is no JSON, or beyond the limits of ``parse_json``.
        TypeError: it is no object.
    """
    return Config(unpack(parse_json(text, "meta.fishdet.config of the checkpoint")))


def pack(value: Any) -> Any:
    """Return nested config values as plain JSON data.

    Tuples, which mmcv tells apart from lists, become ``{"$tuple": […]}``; infinity and NaN,
    which JSON has not, ``{"$float": "inf"}``.
    """
    if isinstance(value, dict):
        return {str(key): pack(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return {_TUPLE: [pack(item) for item in value]}
    if isinstance(value, list):
        return [pack(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {_FLOAT: str(value)}
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def unpack(value: Any) -> Any:
    """Return the value that ``pack`` was given."""
    if isinstance(value, list):
        return [unpack(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {_TUPLE} and isinstance(value[_TUPLE], list):
        return tuple(unpack(item) for item in value[_TUPLE])
    if set(value) == {_FLOAT} and value[_FLOAT] in ("inf", "-inf", "nan"):
        return float(value[_FLOAT])
    return {key: unpack(item) for key, item in value.items()}
