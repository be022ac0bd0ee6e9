"""Optimisers that step in one pass over weights that are channels_last, on a CPU too.

torch's fused steps on the CPU want contiguous tensors, and copy weight, gradient and averages of
every channels_last convolution there and back (torch 2.14). An update goes element by element, so
it may as well see the same memory in the order in which it lies. Parameters, state and
``state_dict`` keep their shapes.

torch takes for granted that gradient and averages lie as their weight does. Those of a checkpoint
may not, since weights lie otherwise on another CPU; here they are laid as the weight first.
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
        for weight in group["params"]:
            if weight.grad is not None:
                weight.grad = _laid_as(weight, weight.grad)
                for name, value in self.state[weight].items():
                    if value.shape == weight.shape:
                        self.state[weight][name] = _laid_as(weight, value)
        has_complex = super()._init_group(group, *lists)
        for tensors in lists:
            tensors[:] = _as_they_lie(tensors)
        return has_complex


@OPTIMIZERS.register_module()
class DenseSGD(torch.optim.SGD):
    """``torch.optim.SGD``, bit for bit, without its copies of channels_last weights.

    torch's fused one stops where a weight has its first gradient later than others, and keeps
    what lay in memory as momentum where the first step of mixed precision overflows; this does
    neither.

    Args:
        params: as torch's.
        lr: as torch's.
        fused: one pass over weight, gradient and momentum; torch's own default takes four.
        settings: as torch's.
    """

    def __init__(self, params: Any, lr: float = 1e-3, *, fused: bool = True, **settings: Any):
        super().__init__(params, lr, fused=fused, **settings)

    def load_state_dict(self, state_dict: Any) -> None:
        """Go on from a state, of torch's SGD too, in one pass.

        Args:
            state_dict: as torch's.
        """
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            if group.get("fused") is None and not group.get("foreach"):
                group["fused"] = self.defaults["fused"]

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
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            begins = [self.state[weight].get("momentum_buffer") is None for weight in weights]
            # the first gradient is not damped
            for first, dampening in ((True, 0.0), (False, group["dampening"])):
                some = [w for w, begin in zip(weights, begins, strict=True) if begin == first]
                if some:
                    self._update(group, some, dampening)
        return loss

    def _update(self, group: dict[str, Any], weights: list[Tensor], dampening: float) -> None:
        momenta: list[Any] = []
        if group["momentum"] != 0:
            for weight in weights:
                state = self.state[weight]
                momentum = state.get("momentum_buffer")
                fresh = momentum is None
                state["momentum_buffer"] = (
                    torch.zeros_like(weight) if fresh else _laid_as(weight, momentum)
                )
            momenta = _as_they_lie([self.state[w]["momentum_buffer"] for w in weights])
        grads: list[Any] = [weight.grad for weight in weights]
        laid = [_laid_as(weight, grad) for weight, grad in zip(weights, grads, strict=True)]
        names = ("weight_decay", "momentum", "lr", "nesterov", "maximize", "foreach", "fused")
        sgd(
            _as_they_lie(weights),
            _as_they_lie(laid),
            momenta,
            dampening=dampening,
            grad_scale=getattr(self, "grad_scale", None),
            found_inf=getattr(self, "found_inf", None),
            **{name: group[name] for name in names},
        )


def _laid_as(weight: Tensor, tensor: Tensor) -> Tensor:
    """Return a tensor of a weight's shape in the order in which the weight lies."""
    for order in (torch.contiguous_format, torch.channels_last):
        if order == torch.channels_last and weight.dim() != 4:
            break
        if weight.is_contiguous(memory_format=order):
            return tensor.contiguous(memory_format=order)
    return torch.empty_like(weight, dtype=tensor.dtype).copy_(tensor)


def _as_they_lie(tensors: list[Tensor]) -> list[Tensor]:
    return [_as_it_lies(tensor) for tensor in tensors]


def _as_it_lies(tensor: Tensor) -> Tensor:
    if tensor.dim() == 4 and not tensor.is_contiguous():
        permuted = tensor.permute(0, 2, 3, 1)
        return permuted if permuted.is_contiguous() else tensor
    return tensor
