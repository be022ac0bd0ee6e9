"""AdamW in one pass over weights that are channels_last, on a CPU too."""

from __future__ import annotations

from typing import Any

import torch
from mmdet.registry import OPTIMIZERS
from torch import Tensor


@OPTIMIZERS.register_module()
class DenseAdamW(torch.optim.AdamW):
    """``torch.optim.AdamW``, bit for bit, without its copies of channels_last weights.

    torch's fused step on the CPU wants contiguous tensors, and copies weight, gradient and both
    averages of every channels_last convolution there and back (torch 2.14). The update goes
    element by element, so it may as well see the same memory in the order in which it lies.
    Parameters, state and ``state_dict`` keep their shapes.
    """

    def _init_group(self, group: dict[str, Any], *lists: list[Tensor]) -> bool:
        has_complex = super()._init_group(group, *lists)
        for tensors in lists:
            tensors[:] = [_as_it_lies(tensor) for tensor in tensors]
        return has_complex


def _as_it_lies(tensor: Tensor) -> Tensor:
    if tensor.dim() == 4 and not tensor.is_contiguous():
        permuted = tensor.permute(0, 2, 3, 1)
        return permuted if permuted.is_contiguous() else tensor
    return tensor
