"""A model of this project as one of torchvision, and as files that need nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from mmdet.utils import get_test_pipeline_cfg
from mmengine.config import Config
from torchvision.models.detection import FasterRCNN

from fish_dataset.files import require_writable, write_atomic
from fishdet.errors import FishdetError

from . import standalone
from .convert import to_torchvision_state
from .spec import torchvision_spec

if TYPE_CHECKING:
    from fishdet.inference import Detector


@dataclass(frozen=True)
class TorchvisionModel:
    """A detector in torchvision.

    Attributes:
        module: takes a list of RGB pictures, float 0..1, (3, H, W) each, and sizes, normalises
            and pads them itself.
        spec: what it was built from, JSON data; ``spec['picture']`` is the preprocessing.
        classes: names; label 1 is the first, 0 the background.
    """

    module: FasterRCNN
    spec: dict[str, Any]
    classes: tuple[str, ...]


def to_torchvision(
    source: str | Path | Detector, config: str | Path | Config | None = None
) -> TorchvisionModel:
    """Return the torchvision model that detects what a model of this project detects.

    Args:
        source: a checkpoint, a published file, or a loaded detector.
        config: its config, where the file carries none.

    Raises:
        FishdetError: the file cannot be read, or torchvision has no such model.
    """
    from fishdet.inference import Detector

    detector = source
    if not isinstance(detector, Detector):
        detector = Detector(detector, config, device="cpu", precision="fp32", plain=True)
    detector = detector.as_trained()
    pipeline = [dict(step) for step in get_test_pipeline_cfg(detector.cfg)]
    spec = torchvision_spec(detector.network.model, pipeline)
    spec["classes"] = list(detector.classes)
    module = standalone.build(spec)
    state = {name: tensor.cpu() for name, tensor in detector.network.model.state_dict().items()}
    module.load_state_dict(to_torchvision_state(state))
    return TorchvisionModel(module, spec, detector.classes)


def export(
    source: str | Path | Detector, out: Path, config: str | Path | Config | None = None
) -> Path:
    """Write a model for torchvision, and beside it the script that runs it without this project.

    Args:
        source, config: see ``to_torchvision``.
        out: the ``.pth``; the script is of the same name with ``.py``.

    Returns:
        the script.

    Raises:
        FishdetError: see ``to_torchvision``; or ``out`` is no name for a module.
    """
    if out.suffix != ".pth" or not out.stem.isidentifier():
        raise FishdetError(
            f"--out {out}: name it NAME.pth, of letters, digits and _, as NAME.py beside it is to "
            "be imported"
        )
    require_writable(out.parent, "--out")
    model = to_torchvision(source, config)
    content = {
        "format": standalone.FORMAT,
        "spec": json.dumps(model.spec, ensure_ascii=False),
        "state_dict": dict(model.module.state_dict()),
    }
    text = Path(standalone.__file__).read_text(encoding="utf-8").replace("NAME", out.stem)
    write_atomic(out, lambda to: torch.save(content, to))
    script = out.with_suffix(".py")
    write_atomic(script, lambda to: _write_text(to, text))
    return script


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
