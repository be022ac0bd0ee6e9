"""Residual blocks whose sums and ReLUs run within their convolutions answer as mmdet's."""

from __future__ import annotations

import copy

import pytest
import torch
from mmdet.models.backbones import ResNet
from torch import nn

from fishdet.inference.folding import fold_batch_norms
from fishdet.inference.held import hold_weights
from fishdet.inference.residual import join_residuals
from fishdet.precision import cpu_has_bf16
from tvops.packed import packing_pays


def backbone(depth: int, **options) -> nn.Module:
    torch.manual_seed(0)
    made = ResNet(depth, base_channels=16, stem_channels=16, **options)
    made.eval()  # gives nothing back
    for norm in made.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.running_mean.normal_(0, 0.1)
            norm.running_var.uniform_(0.5, 2)
    return nn.ModuleDict({"backbone": made.to(memory_format=torch.channels_last)})


def picture() -> torch.Tensor:
    return torch.randn(1, 3, 96, 128, generator=torch.Generator().manual_seed(1))


def blocks(model: nn.Module) -> list[nn.Module]:
    return [m for m in model.modules() if hasattr(m, "owns_shortcut")]


@pytest.mark.parametrize(("depth", "count"), [(18, 8), (50, 16)])
@torch.inference_mode()
def test_maps_stay(depth: int, count: int) -> None:
    plain = backbone(depth)
    joined = copy.deepcopy(plain)
    assert fold_batch_norms(joined) > 0
    hold_weights(joined, torch.float32)
    join_residuals(joined)  # again, as on a CPU where nothing is packed
    assert len(blocks(joined)) == count
    x = picture()
    for _ in range(2):
        for found, wanted in zip(joined.backbone(x), plain.backbone(x), strict=True):
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_a_block_without_a_shortcut_of_its_own_leaves_its_input() -> None:
    """The first block of ResNet-18: what comes in may be somebody else's."""
    model = backbone(18)
    fold_batch_norms(model)
    hold_weights(model, torch.float32)
    join_residuals(model)
    first = model.backbone.layer1[0]
    assert not first.owns_shortcut
    x = torch.randn(1, 16, 20, 20).to(memory_format=torch.channels_last)
    before = x.clone()
    first(x)
    assert torch.equal(x, before)


@pytest.mark.skipif(not (cpu_has_bf16() and packing_pays()), reason="this CPU has no bf16")
def test_in_bf16_sums_are_nearer_to_the_truth() -> None:
    """They are rounded once, not twice."""
    model = backbone(50)
    fold_batch_norms(model)
    x = picture()
    with torch.inference_mode():
        truth = model.backbone(x)[-1]
        errors = []
        for joins in (False, True):
            low = copy.deepcopy(model)
            hold_weights(low, torch.bfloat16)
            assert blocks(low)
            for block in blocks(low):
                if not joins:
                    block.__class__ = type(block).__bases__[0]
            with torch.autocast("cpu", torch.bfloat16):
                errors.append((low.backbone(x)[-1].float() - truth).square().mean())
    assert errors[1] < errors[0]


def test_gradients_pass() -> None:
    model = backbone(50)
    fold_batch_norms(model)
    hold_weights(model, torch.float32)
    join_residuals(model)
    x = picture().requires_grad_()
    model.backbone(x)[-1].sum().backward()
    assert x.grad.abs().sum() > 0


def test_blocks_with_norms_or_plugins_stay() -> None:
    assert join_residuals(backbone(50)) == 0
    plugin = dict(cfg=dict(type="ContextBlock", ratio=0.5), position="after_conv3")
    model = backbone(50, plugins=[plugin])
    fold_batch_norms(model)
    join_residuals(model)
    assert not blocks(model)
