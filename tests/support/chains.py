"""Backbones whose order of modules and of use can differ."""

from __future__ import annotations

import torch
from torch import nn


class Chain(nn.Module):
    """Modules that run one after the other, in the order given or as they are registered."""

    def __init__(self, *modules: nn.Module, order: tuple[int, ...] | None = None) -> None:
        super().__init__()
        self.parts = nn.ModuleList(modules)
        self.order = order or range(len(modules))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        for place in self.order:
            x = self.parts[place](x)
        return (x,)


class Net(nn.Module):
    """A detector that is a backbone alone."""

    def __init__(self, *modules: nn.Module, order: tuple[int, ...] | None = None) -> None:
        super().__init__()
        self.backbone = Chain(*modules, order=order)
