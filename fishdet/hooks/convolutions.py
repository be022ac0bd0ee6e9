"""Let the network's convolutions run fastest on the machine at hand."""

from __future__ import annotations

from typing import Any

from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner

from fishdet.models.arrangement import arrange_model


@HOOKS.register_module()
class ConvolutionsHook(Hook):
    """Choose memory layout and algorithm once, before weights are initialised or loaded.

    Processes that share a training do so before ``DistributedDataParallel`` wraps the model
    (``FishRunner.wrap_model``): what it sums in its first iteration is laid out as the weights
    were when it was built, and the gradients of convolutions arrive with their elements permuted.
    torch 2.14 warns of slowness only.
    """

    priority = "VERY_HIGH"

    def before_run(self, runner: Runner) -> None:
        """Convert in place; the optimizer keeps pointing to the same parameters."""
        done = arrange_model(runner.model, training=True, in_full=computes_in_full(runner.cfg))
        runner.logger.info(f"Convolutions: {done}.")


def computes_in_full(cfg: dict[str, Any]) -> bool:
    """Whether a config's network computes in float32 (``fishdet.config.set_precision``)."""
    return bool(cfg.get("precision", "fp32") == "fp32")


def wants_fast_convolutions(cfg: dict[str, Any]) -> bool:
    """Whether a config has this hook."""
    return any(
        hook.get("type") == ConvolutionsHook.__name__ for hook in cfg.get("custom_hooks") or []
    )
