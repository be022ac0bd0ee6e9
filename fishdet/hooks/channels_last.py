"""Put the network's weights into channels_last."""

from __future__ import annotations

from typing import Any

import torch
from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Convert the model once, before weights are initialised or loaded.

    A convolution whose weight is channels_last returns channels_last features, so the input
    needs no conversion. oneDNN and cuDNN run faster in this layout, and the RoI features read
    it without a copy.

    Processes that share a training convert before ``DistributedDataParallel`` wraps the model
    (``FishRunner.wrap_model``): what it sums in its first iteration is laid out as the weights
    were when it was built, and the gradients of convolutions arrive with their elements permuted.
    torch 2.14 warns of slowness only.
    """

    priority = "VERY_HIGH"

    def before_run(self, runner: Runner) -> None:
        """Convert in place; the optimizer keeps pointing to the same parameters."""
        runner.model.to(memory_format=torch.channels_last)


def wants_channels_last(cfg: dict[str, Any]) -> bool:
    """Whether a config has this hook."""
    return any(
        hook.get("type") == ChannelsLastHook.__name__ for hook in cfg.get("custom_hooks") or []
    )
