"""Files of network weights on this machine: found by name, read without running code."""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.runner import CheckpointLoader
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from fishdet.errors import FishdetError

VARIABLE = "FISHDET_WEIGHTS"
SCHEME = "offline://"
SUFFIXES = (".pth", ".pt", ".safetensors")


def weights_folder() -> Path | None:
    """Return the folder that FISHDET_WEIGHTS names, or None where it is not set.

    Raises:
        FishdetError: it names no folder.
    """
    value = os.environ.get(VARIABLE)
    if not value:
        return None
    folder = Path(value).expanduser()
    if not folder.is_dir():
        raise FishdetError(f"{VARIABLE}={value}: no such folder; unset it or name one with weights")
    return folder


def find_weights(name: str) -> Path | None:
    """Return the file in FISHDET_WEIGHTS of this name, or None.

    Args:
        name: a file name (``resnet50-0676ba61.pth``), or a network's (``resnet50``), which finds
            ``resnet50.pth``, ``resnet50-….pth`` and the like. A file name whose very file is not
            there finds another of the same network: with or without its hash, as .safetensors.

    Raises:
        FishdetError: several files would do, or FISHDET_WEIGHTS names no folder.
    """
    folder = weights_folder()
    if folder is None:
        return None
    if (folder / name).is_file():
        return folder / name
    network = network_of(name)
    pattern = re.compile(re.escape(network) + r"(?:[-.][^/]*)?")
    found = sorted(
        path
        for path in folder.iterdir()
        if path.suffix in SUFFIXES and pattern.fullmatch(path.stem)
    )
    if len(found) > 1:
        listed = ", ".join(path.name for path in found)
        raise FishdetError(
            f"{folder}: several files serve as weights of {network}: {listed}; keep one"
        )
    return found[0] if found else None


def network_of(name: str) -> str:
    """Return a weights file's network: its name without suffix and hash.

    >>> network_of("resnet50-0676ba61.pth"), network_of("resnet50")
    ('resnet50', 'resnet50')
    """
    stem = name[: -len(Path(name).suffix)] if Path(name).suffix in SUFFIXES else name
    return re.sub(r"-[0-9a-f]{8,}$", "", stem)


def read_state(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a .safetensors file or a pickle of nothing but weights.

    Raises:
        FishdetError: missing, damaged, no weights, or a pickle with other objects, which is not
            unpickled as that would run its author's code.
    """
    if not path.is_file():
        raise FishdetError(f"{path}: no such file of weights")
    try:
        content = _read(path)
    except (pickle.UnpicklingError, SafetensorError, EOFError, RuntimeError, OSError,
            ValueError, KeyError) as error:  # fmt: skip
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise FishdetError(f"{path}: no readable file of weights: {reason}") from error
    for wrapper in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping) or not content:
        raise FishdetError(f"{path}: holds no weights, but a {type(content).__name__}")
    others = [name for name, value in content.items() if not isinstance(value, Tensor)]
    if others:
        raise FishdetError(f"{path}: holds other things than weights: {', '.join(others[:5])}")
    return dict(content)


def _read(path: Path) -> Any:
    if path.suffix == ".safetensors":
        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


@CheckpointLoader.register_scheme(prefixes=SCHEME, force=True)
def load_offline(filename: str, map_location: Any = None) -> dict[str, Tensor]:
    """Load ``offline://NAME`` from FISHDET_WEIGHTS, for mmengine's ``Pretrained`` initialisation.

    The config then names no folder of this machine, and mmengine's own loader, which falls back
    to unpickling anything, is not used.

    Raises:
        FishdetError: no such file.
    """
    name = filename.removeprefix(SCHEME)
    path = find_weights(name)
    if path is None:
        raise FishdetError(f"{name} is not in the folder of {VARIABLE}")
    return read_state(path)
