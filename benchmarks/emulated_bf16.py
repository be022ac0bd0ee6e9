"""Run a script in the arithmetic of a CPU with bf16 instructions, on one without.

    python benchmarks/emulated_bf16.py tools/train.py CONFIG --precision bf16 …

AVX512_BF16 multiplies pairs of bf16 factors and adds the products up in fp32, rounded to the
nearest at each addition (https://www.felixcloutier.com/x86/vdpbf16ps, 2026-11-29); a layer's
result is then rounded to bf16. Here convolutions and matrix products of bf16 tensors, and the
gradients of convolutions, are computed so: factors widened to fp32, sums in fp32, one rounding.
What differs from such a machine is the order of the sums, and that it takes denormal numbers for
zero. Everything else PyTorch computes in bf16 itself. Its own convolution of bf16 means the same
and takes many times as long on a CPU without the instructions (``precision_seeds.py --steps``).
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

_ATEN = torch.ops.aten
PRODUCTS = {
    _ATEN.convolution.default,
    _ATEN.convolution_backward.default,
    _ATEN.mm.default,
    _ATEN.addmm.default,
    _ATEN.bmm.default,
    _ATEN.baddbmm.default,
}


class EmulatedBf16(TorchDispatchMode):
    """While it is entered, products of bf16 tensors are summed in fp32 and rounded once."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Compute ``func``, widened where it is a product of bf16 tensors on the CPU."""
        kwargs = kwargs or {}
        if func not in PRODUCTS or not _is_narrow(args[0]):
            return func(*args, **kwargs)
        return tree_map(_narrow, func(*tree_map(_wide, args), **kwargs))


def _is_narrow(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.dtype == torch.bfloat16 and value.is_cpu


def _wide(value: Any) -> Any:
    return value.float() if _is_narrow(value) else value


def _narrow(value: Any) -> Any:
    return value.bfloat16() if isinstance(value, torch.Tensor) else value


def main() -> None:
    """Run the script that is named, with the arguments behind it."""
    if len(sys.argv) < 2 or not Path(sys.argv[1]).is_file():
        raise SystemExit("usage: emulated_bf16.py SCRIPT [its arguments]")
    del sys.argv[0]
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)
    with EmulatedBf16():
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
