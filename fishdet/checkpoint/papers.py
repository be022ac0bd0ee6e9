"""What travels inside a checkpoint so that it can be used without its author's files."""

from __future__ import annotations

import json
from typing import Any

from mmengine.config import Config

_TUPLE = "$tuple"


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


def config_to_json(cfg: Config) -> str:
    """Return a config as JSON text; tuples, which mmcv tells apart from lists, are tagged."""
    return json.dumps(_pack(cfg.to_dict()), ensure_ascii=False)


def config_from_json(text: str) -> Config:
    """Return the config that ``config_to_json`` wrote; nothing in it is executed."""
    return Config(json.loads(text, object_hook=_unpack))


def _pack(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _pack(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return {_TUPLE: [_pack(item) for item in value]}
    if isinstance(value, list):
        return [_pack(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _unpack(value: dict[str, Any]) -> Any:
    return tuple(value[_TUPLE]) if set(value) == {_TUPLE} else value
