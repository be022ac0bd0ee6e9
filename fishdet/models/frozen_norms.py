"""BatchNorm with fixed statistics inside the convolution before it, in training too.

In evaluation mode y = (conv(x) - mean) / sqrt(var + eps) * weight + bias is a convolution with
other weights, and these are made anew in each pass, so that gradients reach the trained ones
through them: the same function in fewer passes over memory ("Tune-Mode ConvBN Blocks",
https://arxiv.org/abs/2305.11624; mmengine's ``efficient_conv_bn_eval`` has it for networks that
``torch.fx`` can trace and whose norms hold no activation, so not for timm's).
:mod:`fishdet.inference.folding` does it once and for all in a network that is no longer trained.
"""

from __future__ import annotations

import functools
from typing import Any

from torch import Tensor, nn

from .norm_pairs import alike, answers, dense_parts, joined, pairs, rest


def fold_while_frozen(model: Any) -> int:
    """Let convolutions apply the norm behind them whenever it is in evaluation mode, in place.

    Parameters, their names and the state dict stay as they are; a norm that is in training mode
    works as ever.

    Args:
        model: an mmdet detector in float32.

    Returns:
        How many norms are so; 0 where the network would answer a picture of noise otherwise.
    """
    whole = dense_parts(model)
    if not whole:
        return 0
    found = [pair for part in whole.values() for pair in pairs(part)]
    found = [pair for pair in found if not _shared(pair, found)]
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        before = answers(whole)
        for conv, norm in found:
            _join(conv, norm)
        same = alike(before, answers(whole))
    except (RuntimeError, TypeError, ValueError, AttributeError, AssertionError):
        same = False  # a part that takes more than maps, such as a transformer's
    finally:
        for module, mode in modes:
            module.training = mode
    if not same:
        for conv, norm in found:
            _part(conv, norm)
        return 0
    return len(found)


def is_joined(conv: nn.Module) -> bool:
    """Whether a convolution applies its norm by itself."""
    return getattr(type(conv), "with_norm", False)


def _shared(pair: Any, found: Any) -> bool:
    """Whether a convolution or norm stands in several pairs (RTMDet's heads share convolutions)."""
    return sum(conv is pair[0] or norm is pair[1] for conv, norm in found) > 1


def _join(conv: Any, norm: Any) -> None:
    object.__setattr__(conv, "norm_behind", norm)  # no submodule of the convolution
    conv.__class__ = _convolution(conv.__class__)
    norm.__class__ = _norm(norm.__class__)


def _part(conv: Any, norm: Any) -> None:
    if is_joined(conv):
        conv.__class__ = type(conv).__bases__[0]
        norm.__class__ = type(norm).__bases__[0]
        object.__delattr__(conv, "norm_behind")


@functools.cache
def _convolution(base: Any) -> Any:
    def forward(self: Any, *inputs: Any) -> Any:
        norm = self.norm_behind
        if norm.training:
            return base.forward(self, *inputs)
        weight, bias = joined(self.weight, self.bias, norm, self.weight.dtype)
        own = self.__dict__["_parameters"]
        self.__dict__["_parameters"] = {"weight": weight, "bias": bias}
        try:
            return base.forward(self, *inputs)
        finally:
            self.__dict__["_parameters"] = own

    return type(base.__name__, (base,), {"forward": forward, "with_norm": True})


@functools.cache
def _norm(base: Any) -> Any:
    def forward(self: Any, input: Tensor) -> Tensor:
        answer: Tensor = base.forward(self, input) if self.training else rest(self)(input)
        return answer

    return type(base.__name__, (base,), {"forward": forward})
