"""The last layers of heads in float32 where the rest predicts in a half type.

A score in bf16 has 8 bits, so that boxes tie and change places in the order from which AP is made,
and corners move: on Aquarium the recipe of ``docs/recipes.md`` lost 0.9 of 100 AP by it.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor, nn

NAMES = (
    "rpn_cls", "rpn_reg", "fc_cls", "fc_reg", "retina_cls", "retina_reg", "conv_cls", "conv_reg",
    "conv_centerness", "atss_cls", "atss_reg", "atss_centerness", "gfl_cls", "gfl_reg", "rtm_cls",
    "rtm_reg",
)  # fmt: skip
"""What mmdet's heads call them."""


def predict_in_full(model: nn.Module) -> int:
    """Let the last layers of a detector's heads leave autocast when they do not train, in place.

    Parameters, names and state dict stay as they are; training stays as it was.

    Returns:
        How many layers do.
    """
    found = {
        layer
        for name, module in model.named_modules()
        if name.rpartition(".")[2] in NAMES
        for layer in module.modules()
        if isinstance(layer, (nn.Conv2d, nn.Linear)) and not getattr(layer, "in_full", False)
    }
    for layer in found:
        kind: Any = type(layer)
        layer.__class__ = _in_full(kind)
    return len(found)


@functools.cache
def _in_full(base: Any) -> Any:
    def forward(self: Any, x: Tensor) -> Any:
        if self.training or not torch.is_autocast_enabled(x.device.type):
            return base.forward(self, x)
        with torch.autocast(x.device.type, enabled=False):
            return base.forward(self, x.float())

    return type(base.__name__, (base,), {"forward": forward, "in_full": True})
