"""Products of bf16 tensors: against PyTorch's own, and against sums in double precision."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "emulated_bf16.py"
EmulatedBf16 = runpy.run_path(str(SCRIPT))["EmulatedBf16"]


def _step(emulate: bool) -> list[torch.Tensor]:
    """Outputs and gradients of a convolution and a linear layer under autocast."""
    torch.manual_seed(0)
    image = torch.randn(2, 8, 9, 11)
    filters, weight = torch.randn(6, 8, 3, 3), torch.randn(5, 6)
    for leaf in (image, filters, weight):
        leaf.requires_grad_()
    mode = EmulatedBf16() if emulate else torch.autograd.set_detect_anomaly(False)
    with mode, torch.autocast("cpu", torch.bfloat16):
        maps = F.conv2d(image, filters, padding=1)
        out = F.linear(maps.mean((2, 3)), weight)
        out.float().square().sum().backward()
    return [maps, out, image.grad, filters.grad, weight.grad]


def test_as_pytorchs_own_bf16() -> None:
    """They may differ by the rounding of sums on a border: a unit in the last of eight bits."""
    for own, emulated in zip(_step(False), _step(True), strict=True):
        assert own.dtype == emulated.dtype
        scale = own.float().abs().max().item()
        torch.testing.assert_close(emulated.float(), own.float(), rtol=2**-7, atol=scale * 2**-7)


def test_a_product_is_rounded_once() -> None:
    torch.manual_seed(1)
    one, other = torch.randn(40, 300).bfloat16(), torch.randn(300, 30).bfloat16()
    with EmulatedBf16():
        found = one @ other
    exact = one.double() @ other.double()
    assert found.dtype == torch.bfloat16
    # half a unit of bf16's last bit, and what 300 sums in fp32 may lose
    assert ((found.double() - exact).abs() <= exact.abs() * 2**-8 + 1e-4).all()


def test_fp32_is_left_alone() -> None:
    one = torch.randn(4, 5)
    with EmulatedBf16():
        assert torch.equal(one @ one.T, torch.mm(one, one.T))


@pytest.mark.parametrize("arguments", [(), ("no_script.py",)])
def test_a_script_must_be_named(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1 and "usage: emulated_bf16.py SCRIPT" in done.stderr


def test_a_script_runs_with_its_arguments(tmp_path: Path) -> None:
    script = tmp_path / "one.py"
    script.write_text(
        "import sys, torch\n"
        "from torch.utils._python_dispatch import _get_current_dispatch_mode_stack as modes\n"
        "print(sys.argv[1:], [type(m).__name__ for m in modes()])\n"
    )
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(script), "--a", "1"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.stdout.strip() == "['--a', '1'] ['EmulatedBf16']", done.stderr
