"""Read a checkpoint without running anything that its author put into it."""

from __future__ import annotations

import pickle
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging.history_buffer import HistoryBuffer

from fishdet.errors import FishdetError

from .papers import config_from_json, unpack
from .published import SUFFIX, read_published
from .safety.archive import check_sums, check_torch_zip

SHOWN = 20
_UNPICKLED = re.compile(r"GLOBAL (?P<name>\S+)|allowlisted via `add_safe_globals`,? but got (.*)")
_NUMPY_SCALARS = ("?", "b", "B", "h", "H", "i", "I", "l", "L", "q", "Q", "e", "f", "d")


def load_checkpoint(
    path: str | Path, trust_pickle: bool = False, *, mapped: bool = False
) -> dict[str, Any]:
    """Return a checkpoint in mmengine's form, its tensors on the CPU.

    Of a pickle, tensors, plain Python data, NumPy numbers and arrays, and mmengine's log history
    are read; any other type is refused, as unpickling it would run its author's code.

    Args:
        path: a file that mmengine's Runner wrote, one that holds only weights by name (alone or
            as ``state_dict``), or a published ``.safetensors``.
        trust_pickle: run whatever the pickle asks for, with a warning. Only for one's own files.
        mapped: leave a pickle's tensors on the disk until they are used; its check sums, which
            would read it whole, are not compared then.

    Raises:
        FishdetError: the file is missing, empty, cut short, altered, no checkpoint, or holds a
            type that is not read.
    """
    path = Path(path)
    _require_file(path)
    if path.suffix == SUFFIX:
        return _from_published(*read_published(path))
    checkpoint = _unpickled(path, trust_pickle, mapped)
    if isinstance(checkpoint, dict) and checkpoint and _only_tensors(checkpoint):
        return {"state_dict": checkpoint}
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get("state_dict"), Mapping):
        raise FishdetError(f"{path}: no checkpoint of mmengine: it has no 'state_dict'")
    _require_tensors(path, checkpoint["state_dict"])
    return checkpoint


def _unpickled(path: Path, trust_pickle: bool, mapped: bool) -> Any:
    if trust_pickle:
        print(
            f"warning: {path}: --trust-pickle: the file may run any code of its author on this "
            "machine",
            file=sys.stderr,
        )
    else:
        check_torch_zip(path)
    if not mapped:
        check_sums(path)
    try:
        with torch.serialization.safe_globals(safe_types()):
            return torch.load(
                path, map_location="cpu", weights_only=not trust_pickle, mmap=mapped or None
            )
    except pickle.UnpicklingError as error:
        raise FishdetError(_unpickling_message(path, str(error))) from error
    except MemoryError as error:
        raise FishdetError(f"{path}: asks for more memory than there is; not read") from error
    except (EOFError, RuntimeError, OSError, ValueError, KeyError, IndexError,
            AttributeError, TypeError, AssertionError, OverflowError) as error:  # fmt: skip
        raise FishdetError(
            f"{path}: cut short, or no checkpoint ({type(error).__name__}: {_first_line(error)}). "
            "Give a .pth that tools/train.py wrote; a download may have to be repeated."
        ) from error


def config_of(checkpoint: Mapping[str, Any]) -> Config | None:
    """Return the config that the checkpoint carries as data, or None where it carries none.

    ``meta.cfg``, the Python text that mmengine stores, is never executed: a checkpoint that has
    only that needs its config file beside it.

    Raises:
        FishdetError: the stored text is no JSON object.
    """
    stored = _papers(checkpoint).get("config")
    if stored is None:
        return None
    try:
        return Config(unpack(stored)) if isinstance(stored, dict) else config_from_json(stored)
    except (TypeError, ValueError, KeyError) as error:
        raise FishdetError(
            f"meta.fishdet.config of the checkpoint is not readable: {error}"
        ) from error


def classes_of(checkpoint: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the class names in the order of the labels, or None where none are stored.

    Raises:
        FishdetError: what is stored is no list of names.
    """
    dataset_meta = _mapping(_mapping(checkpoint.get("meta")).get("dataset_meta"))
    names = _papers(checkpoint).get("classes") or dataset_meta.get("classes")
    if names and not (
        isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
    ):
        raise FishdetError(f"the checkpoint's class names are no list of texts: {names!r:.200}")
    return tuple(names) if names else None


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
        # torch's own text goes on to advise weights_only=False, which runs what the file says.
        said = "" if "weights_only" in text else f": {text.splitlines()[0]}"
        return (
            f"{path}: no checkpoint, a damaged one, or one in a form that cannot be read without "
            f"running code from it{said}"
        )
    name = found["name"] or found[2]
    return (
        f"{path}: holds an object of type {name}, which is not read: loading it would run code "
        "from the file, and files from strangers are never unpickled. If the file is yours, save "
        "its 'state_dict' alone with torch.save and use that, or pass --trust-pickle."
    )


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


def _papers(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    return _mapping(_mapping(checkpoint.get("meta")).get("fishdet"))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _from_published(papers: dict[str, Any] | None, state: dict[str, Any]) -> dict[str, Any]:
    """Return a published model as a checkpoint; the papers' class records become their names."""
    if papers is None:
        return {"state_dict": state}
    names = [entry["name"] for entry in papers["classes"]]
    return {"state_dict": state, "meta": {"fishdet": {**papers, "classes": names}}}


def _only_tensors(value: Mapping[Any, Any]) -> bool:
    return all(isinstance(item, torch.Tensor) for item in value.values())


def _require_tensors(path: Path, state: Mapping[Any, Any]) -> None:
    strange = [key for key, item in state.items() if not isinstance(item, torch.Tensor)]
    if strange:
        raise FishdetError(
            f"{path}: its 'state_dict' holds {len(strange)} values that are no tensors, the first "
            f"{strange[0]!r}"
        )


def _listing(kind: str, keys: Sequence[str]) -> str:
    more = [f"    … and {len(keys) - SHOWN} more"] if len(keys) > SHOWN else []
    return "\n".join([f"  {len(keys)} {kind}:", *(f"    {key}" for key in keys[:SHOWN]), *more])
