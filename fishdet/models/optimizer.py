"""Optimisers that step in one pass over weights that are channels_last, on a CPU too.

torch's fused steps on the CPU want contiguous tensors, and copy weight, gradient and averages of
every channels_last convolution there and back (torch 2.14). An update goes element by element, so
it may as well see the same memory in the order in which it lies. Parameters, state and
``state_dict`` keep their shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from mmdet.registry import OPTIMIZERS
from torch import Tensor
from torch.optim.sgd import sgd


@OPTIMIZERS.register_module()
class DenseAdamW(torch.optim.AdamW):
    """``torch.optim.AdamW``, bit for bit, without its copies of channels_last weights."""

    def _init_group(self, group: dict[str, Any], *lists: list[Tensor]) -> bool:
        has_complex = super()._init_group(group, *lists)
        for tensors in lists:
            tensors[:] = _as_they_lie(tensors)
        return has_complex


@OPTIMIZERS.register_module()
class DenseSGD(torch.optim.SGD):
    """``torch.optim.SGD``, bit for bit, without its copies of channels_last weights.

    Args:
        params: as torch's.
        lr: as torch's.
        fused: one pass over weight, gradient and momentum; torch's own default takes four.
        settings: as torch's.
    """

    def __init__(self, params: Any, lr: float = 1e-3, *, fused: bool = True, **settings: Any):
        super().__init__(params, lr, fused=fused, **settings)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Step as torch's.

        Args:
            closure: as torch's.

        Returns:
            What the closure does.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        lists = [self._lists(group) for group in self.param_groups]
        if any(momentum is None for _, _, momenta in lists for momentum in momenta):
            super().step()  # begins the averages
            return loss
        names = ("weight_decay", "momentum", "lr", "dampening", "nesterov", "maximize")
        for group, (params, grads, momenta) in zip(self.param_groups, lists, strict=True):
            sgd(
                _as_they_lie(params),
                _as_they_lie(grads),
                _as_they_lie(momenta),  # type: ignore[arg-type]
                foreach=group["foreach"],
                fused=group["fused"],
                grad_scale=getattr(self, "grad_scale", None),
                found_inf=getattr(self, "found_inf", None),
                **{name: group[name] for name in names},
            )
        return loss

    def _lists(self, group: dict[str, Any]) -> tuple[list[Tensor], list[Tensor], list[Any]]:
        params: list[Tensor] = [p for p in group["params"] if p.grad is not None]
        grads: list[Any] = [p.grad for p in params]
        return params, grads, [self.state[p].get("momentum_buffer") for p in params]


def _as_they_lie(tensors: list[Tensor]) -> list[Tensor]:
    return [_as_it_lies(tensor) for tensor in tensors]


def _as_it_lies(tensor: Tensor) -> Tensor:
    if tensor.dim() == 4 and not tensor.is_contiguous():
        permuted = tensor.permute(0, 2, 3, 1)
        return permuted if permuted.is_contiguous() else tensor
    return tensor
