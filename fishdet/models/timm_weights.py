"""ImageNet weights for a timm network: from a package, a file or timm's own host."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import timm
from torch import Tensor, nn

from fishdet.errors import FishdetError

from . import lite_weights
from .weight_files import read_state
from .weight_sources import reachable, timm_address


def require_source(weights: str, model_name: str) -> None:
    """Check the value of ``weights`` as far as that is possible without reading anything.

    Raises:
        FishdetError: no source of that name serves this network.
    """
    if weights == "package" and model_name not in lite_weights.PACKAGES:
        raise FishdetError(
            f"TimmBackbone: weights='package' are those of {', '.join(lite_weights.PACKAGES)}, and "
            f"the network is {model_name}; take weights='timm', a path, or 'none'"
        )
    if weights not in ("none", "package", "timm") and not Path(weights).suffix:
        raise FishdetError(
            f"TimmBackbone: weights={weights!r} is neither 'none', 'package', 'timm' nor a file"
        )


def load_weights(net: nn.Module, model_name: str, weights: str) -> str:
    """Load weights into a feature extractor and return where they came from.

    Args:
        net: what ``timm.create_model(model_name, features_only=True)`` returned.
        weights: ``'package'``, ``'timm'`` or the path of a file.

    Raises:
        FishdetError: they cannot be had, or do not fit.
    """
    if weights == "package":
        package = lite_weights.PACKAGES[model_name]
        load_matching(net, lite_weights.timm_state(model_name), package)
        return package
    if weights == "timm":
        load_matching(net, _from_timm(model_name), f"timm's {model_name}")
        return "timm"
    load_matching(net, read_state(Path(weights)), weights)
    return weights


def load_matching(net: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Load a whole classifier's state into a feature extractor of the same network.

    Names are compared with dots taken as underscores, as timm's extractors flatten
    ``stages.0`` to ``stages_0``. The head, which the extractor has not, is left over; everything
    that the extractor has must be there with its shape.

    Raises:
        FishdetError: names what is missing or of another shape.
    """
    own = net.state_dict()
    given = {_plain(name): tensor for name, tensor in state.items()}
    missing = [name for name in own if _plain(name) not in given]
    misfits = [
        f"{name} {tuple(given[_plain(name)].shape)} for {tuple(own[name].shape)}"
        for name in own
        if name not in missing and given[_plain(name)].shape != own[name].shape
    ]
    if missing or misfits:
        shown = [f"no {name}" for name in missing[:5]] + misfits[:5]
        raise FishdetError(
            f"{source}: these weights are of another network: {len(missing)} of {len(own)} "
            f"tensors missing, {len(misfits)} of another shape ({'; '.join(shown)})"
        )
    net.load_state_dict({name: given[_plain(name)] for name in own})


def _plain(name: str) -> str:
    return name.replace(".", "_").removeprefix("model_")


def _from_timm(model_name: str) -> Mapping[str, Tensor]:
    """Return timm's own weights; a host that does not answer is asked once, for three seconds."""
    address = timm_address(model_name)
    if address is not None and not reachable(address):
        raise FishdetError(_unavailable(model_name, f"{address} does not answer"))
    try:
        return timm.create_model(model_name, pretrained=True).state_dict()
    except (OSError, RuntimeError) as error:
        raise FishdetError(_unavailable(model_name, str(error).splitlines()[0])) from error


def _unavailable(model_name: str, reason: str) -> str:
    return (
        f"timm's weights of {model_name} cannot be had ({reason}). Put {model_name}.safetensors or "
        ".pth into a folder and name it in FISHDET_WEIGHTS, or set model.backbone.weights='none'"
    )
