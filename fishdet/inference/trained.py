"""A trained checkpoint as a network that PyTorch runs."""

from __future__ import annotations

from pathlib import Path

import torch
from mmengine.config import Config

from fishdet.checkpoint import load_checkpoint
from fishdet.errors import FishdetError
from fishdet.precision import resolve_precision

from .build import class_names, config_for, require_class_count
from .calibration import find_calibration, find_thresholds
from .network import Network
from .opened import Opened


def open_trained(
    path: Path,
    config: str | Path | Config | None,
    device: str | None,
    precision: str,
    trust_pickle: bool,
    batch_size: int,
    plain: bool = False,
    compiled: bool = False,
) -> Opened:
    """Load a checkpoint; see ``Detector`` for the arguments.

    Raises:
        FishdetError: the device, the precision, the file or its config does not serve.
    """
    place = _device(device)
    dtype = resolve_precision(precision, place)
    checkpoint = load_checkpoint(path, trust_pickle)
    cfg = config_for(checkpoint, config, str(path))
    classes = class_names(cfg, checkpoint, str(path))
    calibration = find_calibration(checkpoint, path)
    thresholds = find_thresholds(checkpoint, path, classes)
    network = Network(
        cfg,
        checkpoint["state_dict"],
        str(path),
        device=place,
        dtype=dtype,
        classes=len(classes),
        batch_size=batch_size,
        plain=plain,
        compiled=compiled,
    )
    require_class_count(cfg, classes, str(path))
    drawn = bool(cfg.get("builtin_data"))
    return Opened(network, classes, calibration, thresholds, place, cfg, drawn)


def devices() -> list[str]:
    """Return the names of what PyTorch can run on here."""
    found = ["cpu"]
    if torch.cuda.is_available():
        found += ["cuda", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        found.append("mps")
    return found


def _device(wanted: str | None) -> str:
    known = devices()
    if wanted is None:
        return "cuda" if "cuda" in known else "cpu"
    if wanted not in known:
        cuda = "" if "cuda" in known else "; no usable CUDA"
        raise FishdetError(f"device {wanted!r}: this machine has {', '.join(known)}{cuda}")
    return wanted
