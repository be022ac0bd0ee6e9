"""The optimizer without copies takes torch's steps, to the last bit."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from fishdet.models import DenseAdamW

SETTINGS = dict(lr=1e-2, betas=(0.9, 0.99), weight_decay=0.02, fused=True)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(72, 2))
    return layers.to(memory_format=torch.channels_last)


def steps(model: nn.Module, optimizer: torch.optim.Optimizer, count: int = 3) -> None:
    torch.manual_seed(1)
    for _ in range(count):
        images = torch.randn(4, 3, 5, 5).to(memory_format=torch.channels_last)
        optimizer.zero_grad()
        model(images).square().sum().backward()
        optimizer.step()


@pytest.mark.parametrize("amsgrad", [False, True])
def test_the_same_bits(amsgrad: bool) -> None:
    ours, theirs = network(), network()
    optimizer = DenseAdamW(ours.parameters(), amsgrad=amsgrad, **SETTINGS)
    reference = torch.optim.AdamW(theirs.parameters(), amsgrad=amsgrad, **SETTINGS)
    steps(ours, optimizer)
    steps(theirs, reference)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, other)
        for name, value in reference.state[other].items():
            assert torch.equal(optimizer.state[mine][name], value)
            assert optimizer.state[mine][name].shape == value.shape


def test_a_state_dict_of_torch_goes_on() -> None:
    model = network()
    reference = torch.optim.AdamW(model.parameters(), **SETTINGS)
    steps(model, reference)
    other = copy.deepcopy(model)
    optimizer = DenseAdamW(other.parameters(), **SETTINGS)
    optimizer.load_state_dict(copy.deepcopy(reference.state_dict()))
    steps(model, reference)
    steps(other, optimizer)
    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True)
    )


@pytest.mark.parametrize(("kind", "copied"), [(torch.optim.AdamW, True), (DenseAdamW, False)])
def test_copies(kind: type[torch.optim.AdamW], copied: bool) -> None:
    """torch's own step copies; should a later torch not do so, this class has had its day."""
    model = network()
    optimizer = kind(model.parameters(), **SETTINGS)
    steps(model, optimizer)
    with profile(activities=[ProfilerActivity.CPU]) as record:
        optimizer.step()
    assert any(event.key == "aten::clone" for event in record.key_averages()) == copied
