"""Read a checkpoint without running anything that its author put into it."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging.history_buffer import HistoryBuffer

from fishdet.errors import FishdetError

from .papers import config_from_json

SHOWN = 20
_UNPICKLED = re.compile(r"GLOBAL (?P<name>\S+)|allowlisted via `add_safe_globals`,? but got (.*)")
_NUMPY_SCALARS = ("?", "b", "B", "h", "H", "i", "I", "l", "L", "q", "Q", "e", "f", "d")


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """Return a checkpoint of mmengine, its tensors on the CPU.

    Tensors, plain Python data, NumPy numbers and arrays, and mmengine's log history are read;
    any other pickled type is refused, as unpickling it would run its author's code.

    Args:
        path: a file that mmengine's Runner wrote, or one with the same ``state_dict`` field.

    Raises:
        FishdetError: the file is missing, empty, cut short, no checkpoint, or holds a type that
            is not read.
    """
    path = Path(path)
    _require_file(path)
    try:
        with torch.serialization.safe_globals(safe_types()):
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise FishdetError(_unpickling_message(path, str(error))) from error
    except (EOFError, RuntimeError, OSError, ValueError, KeyError, IndexError,
            AttributeError, TypeError, AssertionError, OverflowError) as error:  # fmt: skip
        raise FishdetError(
            f"{path}: cut short, or no checkpoint ({type(error).__name__}: {_first_line(error)}). "
            "Give a .pth that tools/train.py wrote; a download may have to be repeated."
        ) from error
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get("state_dict"), Mapping):
        raise FishdetError(f"{path}: no checkpoint of mmengine: it has no 'state_dict'")
    return checkpoint


def config_of(checkpoint: Mapping[str, Any]) -> Config | None:
    """Return the config that the checkpoint carries as data, or None where it carries none.

    ``meta.cfg``, the Python text that mmengine stores, is never executed: a checkpoint that has
    only that needs its config file beside it.

    Raises:
        FishdetError: the stored text is no JSON object.
    """
    text = _papers(checkpoint).get("config")
    if text is None:
        return None
    try:
        return config_from_json(text)
    except (TypeError, ValueError, KeyError) as error:
        raise FishdetError(
            f"meta.fishdet.config of the checkpoint is not readable: {error}"
        ) from error


def classes_of(checkpoint: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the class names in the order of the labels, or None where none are stored."""
    meta = checkpoint.get("meta") or {}
    dataset_meta = meta.get("dataset_meta") or {}
    names = _papers(checkpoint).get("classes") or dataset_meta.get("classes")
    return tuple(map(str, names)) if names else None


def load_state(model: torch.nn.Module, state_dict: Mapping[str, torch.Tensor]) -> None:
    """Load weights; every parameter and buffer must be there, none besides, each of its shape.

    Raises:
        FishdetError: names the missing, unexpected and wrongly shaped keys, the first 20 of
            each with their count; the model is untouched then.
    """
    own = model.state_dict()
    shared = [key for key in own if key in state_dict]
    faults = {
        "missing in the checkpoint": [key for key in own if key not in state_dict],
        "unknown to the model": [key for key in state_dict if key not in own],
        "of another shape": [
            f"{key}: {tuple(state_dict[key].shape)} in the checkpoint, {tuple(own[key].shape)} here"
            for key in shared
            if state_dict[key].shape != own[key].shape
        ],
    }
    if any(faults.values()):
        listed = "\n".join(_listing(kind, keys) for kind, keys in faults.items() if keys)
        raise FishdetError(f"the checkpoint does not fit the model of this config:\n{listed}")
    model.load_state_dict(state_dict)


def safe_types() -> list[Any]:
    """Return what mmengine's own checkpoints hold beyond tensors, in the form torch asks for.

    Protocol 2 writes the methods of HistoryBuffer as ``getattr(HistoryBuffer, name)``; that name
    leads to ``_history_method`` here, so that no other attribute of anything can be reached.
    """
    multiarray = getattr(np, "_core", None) or np.core
    numpy_functions = {
        "multiarray.scalar": multiarray.multiarray.scalar,
        "multiarray._reconstruct": multiarray.multiarray._reconstruct,
    }
    dtypes = sorted(
        {type(np.dtype(code)) for code in _NUMPY_SCALARS}, key=lambda kind: kind.__name__
    )
    return [
        HistoryBuffer,
        (_history_method, "builtins.getattr"),
        np.ndarray,
        np.dtype,
        *dtypes,
        *(
            (function, f"numpy.{module}.{name}")
            for module in ("core", "_core")
            for name, function in numpy_functions.items()
        ),
    ]


def _history_method(owner: Any, name: str) -> Callable[..., Any]:
    allowed = {"min": HistoryBuffer.min, "max": HistoryBuffer.max}
    allowed |= {"mean": HistoryBuffer.mean, "current": HistoryBuffer.current}
    if owner is not HistoryBuffer or name not in allowed:
        raise pickle.UnpicklingError(f"Unsupported global: GLOBAL getattr({owner!r}, {name!r})")
    return allowed[name]


def _require_file(path: Path) -> None:
    if path.is_dir():
        raise FishdetError(f"{path} is a folder; give the checkpoint file in it (….pth)")
    if not path.is_file():
        raise FishdetError(f"{path}: no such checkpoint")
    if path.stat().st_size == 0:
        raise FishdetError(f"{path} is empty: its writing was cut short; use another checkpoint")


def _unpickling_message(path: Path, text: str) -> str:
    found = _UNPICKLED.search(text)
    if found is None:
        return f"{path}: no checkpoint, or a damaged one: {text.splitlines()[0]}"
    name = found["name"] or found[2]
    return (
        f"{path}: holds an object of type {name}, which is not read: loading it would run code "
        "from the file, and files from strangers are never unpickled. If the file is yours, save "
        "its 'state_dict' alone with torch.save and use that."
    )


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


def _papers(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    return (checkpoint.get("meta") or {}).get("fishdet") or {}


def _listing(kind: str, keys: Sequence[str]) -> str:
    more = [f"    … and {len(keys) - SHOWN} more"] if len(keys) > SHOWN else []
    return "\n".join([f"  {len(keys)} {kind}:", *(f"    {key}" for key in keys[:SHOWN]), *more])
