"""How convolutions run fastest on the machine at hand: memory layout and algorithm."""

from __future__ import annotations

import torch
from torch import nn

from tvops.winograd import use_winograd, winograd_pays


def arrange_convolutions(model: nn.Module, *, training: bool) -> str:
    """Lay out weights and choose algorithms, in place; parameters and state dict stay the same.

    In channels_last a convolution returns features that are so, the input needs no conversion,
    and RoI features are read without a copy. oneDNN and cuDNN run faster in it, but for the
    backward pass on a CPU without AVX-512, and but for Winograd's algorithm
    (:mod:`tvops.winograd`). ``benchmarks/training.py`` and ``prediction.py`` compare them.

    Args:
        model: on the device where it will run.
        training: whether gradients will be asked for.

    Returns:
        What was done, in words.
    """
    on_cpu = next(model.parameters()).device.type == "cpu"
    if on_cpu and winograd_pays():
        model.to(memory_format=torch.contiguous_format)
        return f"contiguous, {use_winograd(model)} by Winograd"
    if on_cpu and training and torch.backends.cpu.get_cpu_capability() in ("DEFAULT", "AVX2"):
        model.to(memory_format=torch.contiguous_format)
        return "contiguous"
    model.to(memory_format=torch.channels_last)
    return "channels_last"
