"""The optimizers without copies take torch's steps, to the last bit."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from fishdet.models import DenseAdamW, DenseSGD

ADAMW = dict(lr=1e-2, betas=(0.9, 0.99), weight_decay=0.02, fused=True)
SGD = dict(lr=1e-2, momentum=0.9, weight_decay=0.02, fused=True)
OPTIMIZERS = {  # ours, torch's and the settings of both
    "AdamW": (DenseAdamW, torch.optim.AdamW, ADAMW),
    "amsgrad": (DenseAdamW, torch.optim.AdamW, dict(ADAMW, amsgrad=True)),
    "SGD": (DenseSGD, torch.optim.SGD, SGD),
    "nesterov": (DenseSGD, torch.optim.SGD, dict(SGD, nesterov=True)),
    "dampening": (DenseSGD, torch.optim.SGD, dict(SGD, dampening=0.1)),
    "maximize": (DenseSGD, torch.optim.SGD, dict(SGD, maximize=True)),
    "no momentum": (DenseSGD, torch.optim.SGD, dict(SGD, momentum=0)),
}


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


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_same_bits(name: str) -> None:
    kind, torchs, settings = OPTIMIZERS[name]
    ours, theirs = network(), network()
    optimizer, reference = (
        kind(ours.parameters(), **settings),
        torchs(theirs.parameters(), **settings),
    )
    steps(ours, optimizer)
    steps(theirs, reference)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, other)
        for key, value in reference.state[other].items():
            if value is not None:
                assert torch.equal(optimizer.state[mine][key], value)
                assert optimizer.state[mine][key].shape == value.shape
    assert optimizer.state_dict().keys() == reference.state_dict().keys()


@pytest.mark.parametrize("name", ["AdamW", "SGD"])
def test_a_state_dict_of_torch_goes_on(name: str) -> None:
    kind, torchs, settings = OPTIMIZERS[name]
    model = network()
    reference = torchs(model.parameters(), **settings)
    steps(model, reference)
    other = copy.deepcopy(model)
    optimizer = kind(other.parameters(), **settings)
    optimizer.load_state_dict(copy.deepcopy(reference.state_dict()))
    steps(model, reference)
    steps(other, optimizer)
    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True)
    )


@pytest.mark.parametrize("lies", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("name", ["AdamW", "SGD"])
def test_a_state_that_lies_otherwise_goes_on(name: str, lies: torch.memory_format) -> None:
    """As from a CPU on which the weights lie in another order: torch's fused step mixes them up."""
    kind, torchs, settings = OPTIMIZERS[name]
    model = network()
    before = kind(model.parameters(), **settings)
    steps(model, before)
    saved = copy.deepcopy(before.state_dict())
    for state in saved["state"].values():
        for key, value in state.items():
            if value.dim() == 4:
                other = {torch.channels_last: torch.contiguous_format}.get(
                    lies, torch.channels_last
                )
                state[key] = value.contiguous(memory_format=other)
    found, wanted = (copy.deepcopy(model).to(memory_format=lies) for _ in range(2))
    optimizer = kind(found.parameters(), **settings)
    reference = torchs(wanted.parameters(), **dict(settings, fused=False))
    optimizer.load_state_dict(saved)
    reference.load_state_dict(copy.deepcopy(saved))
    for group in reference.param_groups:
        group["fused"] = False
    for one, another in ((found, optimizer), (wanted, reference)):
        steps(one, another)
    for mine, theirs in zip(found.parameters(), wanted.parameters(), strict=True):
        if mine.dim() > 1:  # a bias before BatchNorm has noise for a gradient, which Adam scales up
            torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


def test_a_weight_may_get_its_first_gradient_late() -> None:
    ours, theirs = network(), network()
    optimizer = DenseSGD(ours.parameters(), lr=1e-2, momentum=0.9, dampening=0.1)
    reference = torch.optim.SGD(theirs.parameters(), lr=1e-2, momentum=0.9, dampening=0.1)
    for model, one in ((ours, optimizer), (theirs, reference)):
        model[0].requires_grad_(False)
        steps(model, one)
        model[0].requires_grad_(True)
        steps(model, one)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other)


def test_an_overflow_in_the_first_step_leaves_no_momentum() -> None:
    weight = nn.Parameter(torch.ones(4))
    optimizer = DenseSGD([weight], lr=0.1, momentum=0.9)
    weight.grad = torch.full((4,), torch.inf)
    optimizer.grad_scale, optimizer.found_inf = torch.tensor(1.0), torch.tensor(1.0)
    optimizer.step()
    assert torch.equal(weight, torch.ones(4))
    assert torch.equal(optimizer.state[weight]["momentum_buffer"], torch.zeros(4))


def test_hooks_run_once_a_step_and_a_state_of_plain_sgd_steps_in_one_pass() -> None:
    model = network()
    reference = torch.optim.SGD(model.parameters(), lr=1e-2, momentum=0.9)
    steps(model, reference)
    optimizer = DenseSGD(model.parameters(), lr=1e-2, momentum=0.9)
    optimizer.load_state_dict(reference.state_dict())
    assert optimizer.param_groups[0]["fused"]
    calls: list[int] = []
    optimizer.register_step_post_hook(lambda *_: calls.append(1))
    steps(model, optimizer)
    assert len(calls) == 3


def test_a_closure_runs_once_a_step() -> None:
    model = network()
    optimizer = DenseSGD(model.parameters(), **SGD)
    images, losses = torch.randn(4, 3, 5, 5), []

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = model(images).square().sum()
        loss.backward()
        losses.append(float(loss.detach()))
        return loss

    assert [float(optimizer.step(closure).detach()) for _ in range(3)] == losses
    assert losses[2] < losses[0]


def test_weights_that_get_no_gradient_stay() -> None:
    model = network()
    for weight in model[0].parameters():
        weight.requires_grad_(False)
    before = model[0].weight.clone()
    optimizer = DenseSGD(model.parameters(), lr=0.1, momentum=0.9)
    steps(model, optimizer)
    assert torch.equal(model[0].weight, before) and len(optimizer.state) == 4


@pytest.mark.parametrize("name", ["AdamW", "SGD"])
def test_copies(name: str) -> None:
    """torch's own step copies; should a later torch not do so, these classes have had their day."""
    for kind, copied in zip(OPTIMIZERS[name][:2], (False, True), strict=True):
        model = network()
        optimizer = kind(model.parameters(), **OPTIMIZERS[name][2])
        steps(model, optimizer)
        with profile(activities=[ProfilerActivity.CPU]) as record:
            optimizer.step()
        assert any(event.key == "aten::clone" for event in record.key_averages()) == copied
