"""Weights that lie as oneDNN reads them, for inputs of one size after another.

oneDNN's kernels read a weight in blocks whose shape hangs on the sizes at hand. PyTorch's
convolutions and linear layers hand it over as it lies, and oneDNN rearranges it in each call.
``torch.compile`` rearranges once, for the size that it sees (its ``mkldnn`` operators, used here);
for any other size such a weight is slow. So a layer packs its weight when a size comes that is not
among the last ones, which costs what each call did.

``benchmarks/packing.py`` prints what it gains.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

FEWEST_PRODUCTS = 1 << 26  # of a linear layer; below, calling costs as much as is saved


def packing_pays() -> bool:
    """Whether PyTorch has the operators for it and oneDNN kernels that want blocks."""
    names = ("_convolution_pointwise", "_linear_pointwise", "_reorder_linear_weight")
    return (
        torch.backends.mkldnn.is_available()
        and torch.backends.cpu.get_cpu_capability() not in ("DEFAULT", "AVX2")
        and all(hasattr(torch.ops.mkldnn, name) for name in names)
        and hasattr(torch._C._nn, "mkldnn_reorder_conv2d_weight")
    )


class Packing:
    """What one layer holds for the sizes that it saw last.

    Threads may share it: a packed weight comes together with its size. Copies begin empty. A
    weight that is written to, as by ``load_state_dict``, is packed anew, unless it is an inference
    tensor, of which PyTorch does not count that.

    Args:
        sizes: for how many the weight is held: a layer that serves several levels of a pyramid
            meets as many sizes in each pass.
    """

    def __init__(self, sizes: int = 1) -> None:
        self._sizes = sizes
        self._held: dict[Any, tuple[Tensor, Tensor]] = {}

    def __reduce__(self) -> tuple[type[Packing], tuple[int]]:
        """Oppose copies of the packed weights, which PyTorch cannot copy."""
        return Packing, (self._sizes,)

    def conv2d(
        self,
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int],
        groups: int,
        add: Tensor | None = None,
        relu: bool = False,
    ) -> Tensor:
        """``torch.nn.functional.conv2d``, and what comes right behind it in the same pass.

        Args:
            input: (B, C, H, W); packing is for float32 and bfloat16 in channels_last on the CPU,
                where no gradient is asked for.
            weight: (K, C / groups, kh, kw) of the same type, the layer's own in each call.
            bias: (K,) or None.
            stride: of both directions, as ``padding`` (pixels of zeros) and ``dilation``.
            padding: see ``stride``.
            dilation: see ``stride``.
            groups: as PyTorch's.
            add: of the output's shape, type and layout, to be added; it may be overwritten. In
                bfloat16 the sum is rounded once, not twice.
            relu: whether negative numbers become zero then.

        Returns:
            (B, K, H', W'), as ``conv2d``'s but for the last bit in maps of some tens of pixels.
        """
        in_rows = input.dim() == 4 and input.is_contiguous(memory_format=torch.channels_last)
        if not in_rows or not _eager(input, weight):
            found = F.conv2d(input, weight, bias, stride, padding, dilation, groups)
            return then(found, add, relu)
        shape: Any = [list(padding), list(stride), list(dilation), groups]
        reorder: Any = torch._C._nn.mkldnn_reorder_conv2d_weight
        packed = self._for(
            input, weight, lambda: reorder(weight.to_mkldnn(), *shape, list(input.shape))
        )
        if add is None or not _alike(add, input):
            found = torch.ops.mkldnn._convolution_pointwise(
                input, packed, bias, *shape, "relu" if relu else "none", [], ""
            )
            return found if add is None else then(found, add, relu)
        found = torch.ops.mkldnn._convolution_pointwise_.binary(
            add, input, packed, bias, *shape, "add", None, "relu" if relu else None, [], None
        )
        return found

    def linear(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor | None:
        """``torch.nn.functional.linear`` by oneDNN, where a weight is packed for that.

        Args:
            input: (N, in), as :meth:`conv2d` says.
            weight: (out, in) of the same type, the layer's own in each call.
            bias: (out,) or None.

        Returns:
            (N, out); None where this is not for it.
        """
        if (
            not _eager(input, weight)
            or input.dim() != 2
            or len(input) * weight.numel() < FEWEST_PRODUCTS
        ):
            return None
        packed = self._for(
            input, weight, lambda: torch.ops.mkldnn._reorder_linear_weight(weight, len(input))
        )
        found: Tensor = torch.ops.mkldnn._linear_pointwise(input, packed, bias, "none", [], "")
        return found

    def _for(self, input: Tensor, weight: Tensor, pack: Callable[[], Tensor]) -> Tensor:
        version = None if weight.is_inference() else weight._version
        key = (input.shape, weight.data_ptr(), version)
        found = self._held.get(key)
        if found is None:
            # the weight is held so that no other one comes to lie at its address
            found = (weight, pack())
            held = {**self._held, key: found}  # a new one: another thread may be reading the old
            self._held = dict(list(held.items())[-self._sizes :])
        return found[1]


def then(maps: Tensor, add: Tensor | None, relu: bool) -> Tensor:
    """Add to maps that nobody else needs and cut at zero, in place."""
    if add is not None:
        maps += add
    return torch.relu_(maps) if relu else maps


def _alike(add: Tensor, input: Tensor) -> bool:
    return add.dtype == input.dtype and add.is_contiguous(memory_format=torch.channels_last)


def _eager(input: Tensor, weight: Tensor) -> bool:
    return (
        input.dtype == weight.dtype
        and input.dtype in (torch.float32, torch.bfloat16)
        and input.device.type == weight.device.type == "cpu"
        and not torch.is_grad_enabled()
        and not torch.jit.is_tracing()
        and not torch.compiler.is_compiling()
    )
