"""Where weights come from when they are not in a folder: addresses, caches, and what answers."""

from __future__ import annotations

import http.client
import threading
import urllib.request
from pathlib import Path

import timm
from huggingface_hub import try_to_load_from_cache
from mmengine.runner.checkpoint import (
    get_external_models,
    get_mmcls_models,
    get_torchvision_models,
)
from torch.hub import get_dir
from torchvision.models import get_model_weights

from fishdet.errors import FishdetError

TIMEOUT_S = 3.0
_FILE = "model.safetensors"
_TABLES = {
    "torchvision://": get_torchvision_models,
    "modelzoo://": get_torchvision_models,
    "open-mmlab://": get_external_models,
    "openmmlab://": get_external_models,
    "mmcls://": get_mmcls_models,
}


def address_of(checkpoint: str) -> str | None:
    """Return the http(s) address of a checkpoint as mmengine names them, or None for a local one.

    Raises:
        FishdetError: a scheme's table has no such name.
    """
    if checkpoint.startswith(("http://", "https://")):
        return checkpoint
    for scheme, table in _TABLES.items():
        if checkpoint.startswith(scheme):
            addresses = table()
            name = checkpoint.removeprefix(scheme)
            address = addresses.get(name)
            if address is None and table is get_torchvision_models:
                address = _torchvision_address(name)
            if address is None:
                raise FishdetError(f"{checkpoint}: mmengine knows no weights of this name")
            return str(address)
    return None


def _torchvision_address(name: str) -> str | None:
    """Return the address of a detector's weights, which mmengine's table lacks, or None."""
    try:
        return get_model_weights(name).DEFAULT.url  # type: ignore[attr-defined, no-any-return]
    except (ValueError, AttributeError):
        return None


def in_torch_cache(address: str) -> bool:
    """Return whether torch has downloaded this address before."""
    return (Path(get_dir()) / "checkpoints" / address.rsplit("/", 1)[-1]).is_file()


def timm_address(model_name: str) -> str | None:
    """Return where timm would fetch a network's weights, or None where they lie in its cache.

    Raises:
        FishdetError: timm has no weights of this network.
    """
    config = timm.get_pretrained_cfg(model_name)
    if config is None or not (config.hf_hub_id or config.url):
        raise FishdetError(
            f"timm has no weights of {model_name}; take weights='none' or the path of a file"
        )
    if not config.hf_hub_id:
        return None if in_torch_cache(config.url) else config.url
    if isinstance(try_to_load_from_cache(config.hf_hub_id, _FILE), str):
        return None
    return f"https://huggingface.co/{config.hf_hub_id}/resolve/main/{_FILE}"


def reachable(address: str, timeout_s: float = TIMEOUT_S) -> bool:
    """Return whether an address answers within the time.

    The question is asked in a thread of its own, since a name server that does not answer is not
    bound by a socket's time limit.
    """
    answers: list[bool] = []
    thread = threading.Thread(
        target=lambda: answers.append(_answers(address, timeout_s)), daemon=True
    )
    thread.start()
    thread.join(timeout_s)
    return bool(answers and answers[0])


def _answers(address: str, timeout_s: float) -> bool:
    request = urllib.request.Request(address, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=timeout_s):
            return True
    except (OSError, ValueError, http.client.HTTPException):  # urllib's errors are OSErrors
        return False
