"""Packed weights against convolutions and products in double precision."""

from __future__ import annotations

import copy
import itertools
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F

from fishdet.precision import cpu_has_bf16
from tvops.packed import Packing

pytestmark = pytest.mark.skipif(
    not hasattr(torch._C._nn, "mkldnn_reorder_conv2d_weight")
    or not torch.backends.mkldnn.is_available(),
    reason="this PyTorch has no oneDNN",
)
TYPES = [torch.float32, *([torch.bfloat16] if cpu_has_bf16() else [])]
SHAPES = {  # channels, kernel, stride, padding, dilation, groups
    "3x3": (16, 3, 1, 1, 1, 1),
    "1x1": (32, 1, 1, 0, 1, 1),
    "stride": (16, 3, 2, 1, 1, 1),
    "dilation": (16, 3, 1, 2, 2, 1),
    "groups": (16, 3, 1, 1, 1, 4),
    "depthwise": (16, 5, 2, 2, 1, 16),
    "stem": (3, 7, 2, 3, 1, 1),
}


def maps(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    found = torch.randn(shape, generator=generator).to(dtype)
    return found.to(memory_format=torch.channels_last) if len(shape) == 4 else found


def close(found: torch.Tensor, truth: torch.Tensor) -> None:
    """Within the rounding of sums of about unit numbers."""
    relative, absolute = (1e-2, 3e-2) if found.dtype == torch.bfloat16 else (1e-5, 1e-4)
    torch.testing.assert_close(found.double(), truth, rtol=relative, atol=absolute)


@pytest.fixture
def packed(monkeypatch) -> list[tuple[int, ...]]:
    """The sizes of input for which a weight has been packed."""
    sizes: list[tuple[int, ...]] = []
    own = torch._C._nn.mkldnn_reorder_conv2d_weight

    def counting(*args):
        sizes.append(tuple(args[-1]))
        return own(*args)

    monkeypatch.setattr(torch._C._nn, "mkldnn_reorder_conv2d_weight", counting)
    return sizes


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", SHAPES)
@torch.inference_mode()
def test_convolutions_are_pytorchs(shape: str, dtype: torch.dtype, packed) -> None:
    channels, kernel, stride, padding, dilation, groups = SHAPES[shape]
    weight = maps(24 if groups == 1 else 16, channels // groups, kernel, kernel, dtype=dtype)
    sizes = [[value, value] for value in (stride, padding, dilation)]
    packing = Packing()
    for size, bias, add, relu in itertools.product(
        ((2, 21, 30), (1, 33, 18)), (None, maps(len(weight), dtype=dtype)), (False, True), (0, 1)
    ):
        x = maps(size[0], channels, *size[1:], dtype=dtype, seed=1)
        truth = F.conv2d(
            x.double(), weight.double(), None if bias is None else bias.double(), *sizes, groups
        )
        more = maps(*truth.shape, dtype=dtype, seed=2) if add else None
        if more is not None:
            truth += more.double()
        found = packing.conv2d(x, weight, bias, *sizes, groups, more, bool(relu))
        assert found.dtype == dtype
        close(found, truth.relu() if relu else truth)
    assert packed == [(2, channels, 21, 30), (1, channels, 33, 18)]


@torch.inference_mode()
def test_what_is_added_may_have_any_type_and_layout() -> None:
    weight, x = maps(8, 8, 1, 1), maps(1, 8, 5, 6)
    wanted = F.conv2d(x, weight) + 1
    for add in (torch.ones(1, 8, 5, 6), torch.ones(1, 8, 5, 6).bfloat16()):
        found = Packing().conv2d(x, weight, None, (1, 1), (0, 0), (1, 1), 1, add)
        torch.testing.assert_close(found, wanted)


@torch.inference_mode()
def test_other_layouts_and_types_are_pytorchs_own(packed) -> None:
    weight = maps(8, 4, 3, 3)
    for x in (maps(1, 4, 9, 9).contiguous(), maps(4, 9, 9)):
        found = Packing().conv2d(x, weight, None, (1, 1), (1, 1), (1, 1), 1, relu=True)
        torch.testing.assert_close(found, F.conv2d(x, weight, padding=1).relu())
    double = Packing().conv2d(
        maps(1, 4, 9, 9).double(), weight.double(), None, (1, 1), (1, 1), (1, 1), 1
    )
    assert double.dtype == torch.float64 and not packed


def test_gradients_pass(packed) -> None:
    x, weight = maps(1, 4, 9, 9).requires_grad_(), maps(8, 4, 3, 3).requires_grad_()
    Packing().conv2d(x, weight, None, (1, 1), (1, 1), (1, 1), 1).sum().backward()
    assert x.grad is not None and weight.grad is not None and not packed


@pytest.mark.parametrize("dtype", TYPES)
@torch.inference_mode()
def test_linear_layers_are_pytorchs(dtype: torch.dtype) -> None:
    weight, bias = maps(512, 1024, dtype=dtype), maps(512, dtype=dtype)
    packing = Packing()
    for rows in (200, 200, 150, 200):
        x = maps(rows, 1024, dtype=dtype, seed=1)
        found = packing.linear(x, weight, bias)
        assert found is not None
        close(found, F.linear(x.double(), weight.double(), bias.double()))
    assert packing.linear(maps(3, 1024, dtype=dtype), weight, bias) is None
    assert packing.linear(maps(1, 200, 1, 1024, dtype=dtype), weight, bias) is None


def test_the_last_sizes_are_held_and_no_more(monkeypatch) -> None:
    weight, packing = maps(16, 16, 3, 3), Packing(2)
    made, real = [], torch._C._nn.mkldnn_reorder_conv2d_weight
    monkeypatch.setattr(
        torch._C._nn,
        "mkldnn_reorder_conv2d_weight",
        lambda *args: (made.append(args[-1][-1]), real(*args))[1],
    )
    for side in (8, 12, 8, 12, 16, 12, 8):
        x = maps(1, 16, side, side)
        with torch.no_grad():
            found = packing.conv2d(x, weight, None, (1, 1), (1, 1), (1, 1), 1)
            torch.testing.assert_close(found, F.conv2d(x, weight, padding=1))
    assert made == [8, 12, 16, 8]  # when 16 came 8 went


@torch.inference_mode()
def test_copies_pack_anew() -> None:
    weight, x = maps(8, 8, 3, 3), maps(1, 8, 12, 12)
    packing = Packing()
    sizes = ((1, 1), (1, 1), (1, 1), 1)
    wanted = packing.conv2d(x, weight, None, *sizes)
    for copied in (copy.deepcopy(packing), pickle.loads(pickle.dumps(packing))):
        assert torch.equal(copied.conv2d(x, weight, None, *sizes), wanted)


def test_a_weight_that_is_written_to_is_packed_anew() -> None:
    layer, x = torch.nn.Conv2d(8, 8, 3).to(memory_format=torch.channels_last), maps(1, 8, 12, 12)
    wide, rows = torch.nn.Linear(1024, 512), maps(200, 1024)
    packing, other = Packing(), Packing()
    for value in (1.0, 2.0):
        for module in (layer, wide):
            module.load_state_dict({k: torch.full_like(v, value) for k, v in
                                    module.state_dict().items()})  # fmt: skip
        with torch.no_grad():
            found = packing.conv2d(x, layer.weight, layer.bias, (1, 1), (0, 0), (1, 1), 1)
            torch.testing.assert_close(found, layer(x), rtol=1e-4, atol=1e-4)
            found = other.linear(rows, wide.weight, wide.bias)
            torch.testing.assert_close(found, wide(rows), rtol=1e-4, atol=1e-3)


def test_threads_may_share_a_layer() -> None:
    weight, packing = maps(16, 16, 3, 3), Packing()
    pictures = [maps(1, 16, 10 + side, 14, seed=side) for side in range(4)]

    def convolved(x: torch.Tensor) -> bool:
        with torch.inference_mode():
            found = packing.conv2d(x, weight, None, (1, 1), (1, 1), (1, 1), 1)
            return torch.allclose(found, F.conv2d(x, weight, padding=1), atol=1e-4)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(convolved, pictures * 50))
