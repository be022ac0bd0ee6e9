"""Any network of timm as a backbone of mmdet."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

import timm
from mmdet.registry import MODELS
from mmengine.logging import print_log
from mmengine.model import BaseModule
from mmengine.model.weight_init import update_init_info
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from fishdet.errors import FishdetError

from .timm_weights import load_weights, require_source


@MODELS.register_module()
class TimmBackbone(BaseModule):
    """A timm network that returns its feature maps, see ``timm.create_model(features_only=True)``.

    Levels are timm's: for a ResNet or an EfficientNet level 0 has stride 2 and level 4 stride 32,
    for a ConvNeXt or a Swin level 0 has stride 4. ``.channels`` and ``.strides`` tell what
    ``out_indices`` chose; the neck's ``in_channels`` must be ``.channels`` (see ``check_neck``).

    Args:
        model_name: a name of ``timm.list_models()``.
        out_indices: the levels to return.
        frozen_stages: the highest level that is not trained, everything before it included;
            -1 trains all. Counted as in mmdet's ResNet: 0 is the stem, 1 the map of stride 4.
        norm_eval: BatchNorm uses its stored statistics in training too.
        weights: ``'none'`` (random), ``'package'`` (the installed EfficientNet-Lite0),
            ``'timm'`` (timm's own, downloaded) or the path of a file. They are read by
            ``init_weights``, so a model that loads a checkpoint needs none of them.
        norm_eps: epsilon of every BatchNorm in place of the network's own.
        with_cp: gradient checkpointing: less memory for more time.
        timm_options: further arguments of ``timm.create_model``, such as ``drop_path_rate``.

    Raises:
        FishdetError: unknown name, level or weights, or a network that cannot do what is asked.
    """

    is_init: bool

    def __init__(
        self,
        model_name: str,
        out_indices: Sequence[int] = (1, 2, 3, 4),
        frozen_stages: int = -1,
        norm_eval: bool = False,
        weights: str = "none",
        norm_eps: float | None = None,
        with_cp: bool = False,
        timm_options: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        require_source(weights, model_name)
        self.model_name = model_name
        self.weights = weights
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.net = create_features(model_name, out_indices, **(timm_options or {}))
        self.channels: list[int] = feature_info(self.net).channels()
        self.strides: list[int] = feature_info(self.net).reduction()
        if norm_eps is not None:
            for norm in self._norms():
                norm.eps = norm_eps
        if with_cp:
            _checkpoint_gradients(self.net, model_name)
        self._freeze(modules_up_to(self.net, frozen_stages, model_name))

    def init_weights(self) -> None:
        """Load the weights that the config asks for.

        Raises:
            FishdetError: they cannot be had, or do not fit the network.
        """
        if self.is_init:
            return
        if self.weights != "none":
            source = load_weights(self.net, self.model_name, self.weights)
            print_log(f"{self.model_name}: weights from {source}", logger="current")
            if hasattr(self, "_params_init_info"):
                update_init_info(self, init_info=f"loaded from {source}")
        self.is_init = True

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the feature maps, each (B, C, H / stride, W / stride), of images (B, 3, H, W)."""
        features = self.net(images)
        if str(getattr(self.net, "output_fmt", "NCHW")).endswith("NHWC"):
            features = [feature.permute(0, 3, 1, 2).contiguous() for feature in features]
        return tuple(features)

    def train(self, mode: bool = True) -> TimmBackbone:
        """Set the mode; what is frozen stays in evaluation."""
        super().train(mode)
        for module in self._frozen if mode else []:
            module.training = False
        for norm in self._norms() if mode and self.norm_eval else ():
            norm.eval()
        return self

    def _freeze(self, modules: list[nn.Module]) -> None:
        for module in modules:
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad = False
        # A container that also holds trained parts goes on training.
        known = set(modules)
        self._frozen = [module for module in modules if known.issuperset(module.modules())]

    def _norms(self) -> Iterator[_BatchNorm]:
        return (module for module in self.net.modules() if isinstance(module, _BatchNorm))


def create_features(model_name: str, out_indices: Sequence[int], **options: Any) -> nn.Module:
    """Return timm's feature extractor with random weights.

    Raises:
        FishdetError: timm knows no such network, or it has no such levels.
    """
    if not timm.is_model(model_name):
        near = difflib.get_close_matches(model_name, timm.list_models(), n=5)
        raise FishdetError(
            f"TimmBackbone: timm {timm.__version__} has no network {model_name!r}"
            + (f"; near it: {', '.join(near)}" if near else "; see timm.list_models()")
        )
    try:
        return timm.create_model(
            model_name, features_only=True, out_indices=tuple(out_indices), **options
        )
    except (RuntimeError, AssertionError, IndexError, TypeError) as error:
        raise FishdetError(
            f"TimmBackbone: {model_name} does not serve with out_indices={tuple(out_indices)}"
            f" and options {options}: {error}"
        ) from error


def feature_info(net: nn.Module) -> Any:
    """Return timm's ``FeatureInfo`` of a feature extractor: channels, strides, module names."""
    return net.feature_info


def modules_up_to(net: nn.Module, level: int, model_name: str) -> list[nn.Module]:
    """Return the modules that come before and in a level of a feature extractor, in order.

    A feature extractor registers its modules in the order of its forward pass. Those that hold
    both frozen and trained parts are returned too, which is why callers touch only what is a
    module's own (``recurse=False``).

    Raises:
        FishdetError: the network has no such level.
    """
    if level < 0:
        return []
    info = feature_info(net).info
    if level >= len(info):
        raise FishdetError(
            f"TimmBackbone: frozen_stages={level}, but {model_name} has levels 0 to {len(info) - 1}"
        )
    # Extractors that flatten Sequentials rename "stages.0" to "stages_0"; others nest in "model".
    wanted = info[level]["module"].replace(".", "_")
    names = [name.replace(".", "_").removeprefix("model_") for name, _ in net.named_modules()]
    inside = [i for i, name in enumerate(names) if f"{name}_".startswith(f"{wanted}_")]
    if not inside:
        raise FishdetError(f"TimmBackbone: cannot tell what level {level} of {model_name} is")
    return list(net.modules())[: inside[-1] + 1]


def check_neck(detector: nn.Module) -> None:
    """Compare the channels that a detector's neck expects with those of its TimmBackbone.

    Raises:
        FishdetError: they differ; names the value that the config needs.
    """
    backbone = getattr(detector, "backbone", None)
    wanted = getattr(getattr(detector, "neck", None), "in_channels", None)
    if not isinstance(backbone, TimmBackbone) or wanted is None:
        return
    if list(wanted) != backbone.channels:
        raise FishdetError(
            f"model.neck.in_channels is {list(wanted)}, but {backbone.model_name} returns maps of "
            f"strides {backbone.strides} with {backbone.channels} channels: "
            f"set model.neck.in_channels={backbone.channels}"
        )


def _checkpoint_gradients(net: nn.Module, model_name: str) -> None:
    inner: Any = net if hasattr(net, "set_grad_checkpointing") else getattr(net, "model", net)
    if not hasattr(inner, "set_grad_checkpointing"):
        raise FishdetError(f"TimmBackbone: {model_name} cannot checkpoint gradients; with_cp=False")
    inner.set_grad_checkpointing(True)
