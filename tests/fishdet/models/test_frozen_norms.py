"""A norm inside its convolution changes no answer and no gradient."""

from __future__ import annotations

import copy

import pytest
import torch
from chains import Net
from small_detectors import small_config
from torch import nn

from fishdet.models.frozen_norms import fold_while_frozen, is_joined
from fishdet.models.timm_backbone import TimmBackbone


def lively_norms(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 2)
            if module.affine:
                nn.init.uniform_(module.weight, 0.5, 2)
                nn.init.normal_(module.bias, std=0.1)


def chain(bias: bool = False) -> Net:
    parts = (
        nn.Conv2d(3, 6, 3, bias=bias),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Conv2d(6, 6, 3, groups=6, bias=bias),
        nn.BatchNorm2d(6, affine=bias),
        nn.Conv2d(6, 4, 1, bias=bias),
    )
    return Net(*parts)


def norms_fixed(model: nn.Module) -> None:
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def backward(model: nn.Module, picture: torch.Tensor) -> list[torch.Tensor]:
    maps = model.backbone(picture)
    weights = torch.Generator().manual_seed(1)
    sum((m * torch.randn(m.shape, generator=weights).to(m)).sum() for m in maps).backward()
    return list(maps)


def same_gradients(one: nn.Module, other: nn.Module) -> None:
    for (name, a), (_, b) in zip(one.named_parameters(), other.named_parameters(), strict=True):
        assert (a.grad is None) == (b.grad is None), name
        if a.grad is not None:
            scale = float(b.grad.abs().max()) or 1.0
            assert float((a.grad - b.grad).abs().max()) <= 1e-4 * scale, name


def lite0() -> nn.Module:
    model = nn.Module()
    model.backbone = TimmBackbone("tf_efficientnet_lite0", frozen_stages=1, norm_eval=True)
    return model


@pytest.mark.parametrize("make", [chain, lambda: chain(bias=True), lite0])
def test_answers_and_gradients_are_the_plain_networks(make) -> None:
    plain = make()
    lively_norms(plain)
    joined = copy.deepcopy(plain)
    count = sum(isinstance(module, nn.BatchNorm2d) for module in plain.modules())
    keys = list(joined.state_dict())
    assert fold_while_frozen(joined) == count
    assert list(joined.state_dict()) == keys
    picture = torch.randn(2, 3, 64, 96).double()  # in float32 a ReLU6 can fall to either side
    for model in (plain.double(), joined.double()):
        model.train() if make is lite0 else norms_fixed(model)
    wanted, found = backward(plain, picture), backward(joined, picture)
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b)
    same_gradients(joined, plain)


def test_a_norm_in_training_mode_works_as_ever() -> None:
    plain = chain()
    joined = copy.deepcopy(plain)
    assert fold_while_frozen(joined) == 2
    picture = torch.randn(2, 3, 20, 20)
    plain.train(), joined.train()
    for a, b in zip(backward(joined, picture), backward(plain, picture), strict=True):
        assert torch.equal(a, b)
    same_gradients(joined, plain)
    for a, b in zip(joined.buffers(), plain.buffers(), strict=True):
        assert torch.equal(a, b)  # the running statistics have moved alike
    plain.eval(), joined.eval()
    found, wanted = joined.backbone(picture)[0], plain.backbone(picture)[0]
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_a_copy_is_joined_by_itself() -> None:
    """As ``EMAHook`` makes one."""
    model = chain().eval()
    fold_while_frozen(model)
    twin = copy.deepcopy(model)
    picture = torch.randn(1, 3, 20, 20)
    before = twin.backbone(picture)[0]
    with torch.no_grad():
        model.backbone.parts[1].weight.fill_(7)
        model.backbone.parts[0].weight.fill_(7)
    assert torch.equal(twin.backbone(picture)[0], before)
    assert not torch.equal(model.backbone(picture)[0], before)


@pytest.mark.parametrize("order", [(1, 0), (0, 0, 1)])
def test_a_network_that_would_answer_otherwise_stays(order: tuple[int, ...]) -> None:
    model = Net(nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3), order=order)
    lively_norms(model)
    picture = torch.randn(1, 3, 20, 20)
    wanted = model.eval().backbone(picture)[0]
    model.train()
    assert fold_while_frozen(model) == 0
    assert model.training and all(module.training for module in model.modules())
    assert not any(is_joined(module) for module in model.modules())
    assert type(model.backbone.parts[1]) is nn.BatchNorm2d
    assert torch.equal(model.eval().backbone(picture)[0], wanted)


@pytest.mark.parametrize("kind", ["faster", "rtmdet"])  # the latter's heads share convolutions
def test_every_kind_of_detector_learns_alike(kind: str) -> None:
    from mmdet.registry import MODELS

    plain = MODELS.build(small_config(kind).model)
    lively_norms(plain)
    joined = copy.deepcopy(plain)
    fold_while_frozen(joined)
    picture = torch.randn(2, 3, 64, 64).double()
    for model in (plain.double(), joined.double()):
        norms_fixed(model)
    wanted, found = backward(plain, picture), backward(joined, picture)
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b)
    same_gradients(joined.backbone, plain.backbone)
