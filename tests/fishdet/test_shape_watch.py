"""Trap 14: ever new picture shapes slow a CPU down, and upstream says nothing."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from mmengine.config import Config

from fishdet.hooks.shape_watch import ShapeWatchHook, padded_size


def run_hook(widths: list[int], divisor: int) -> list[str]:
    """Return the warnings that the hook gives for batches of these widths."""
    warnings: list[str] = []
    runner = SimpleNamespace(
        model=torch.nn.Linear(1, 1),
        cfg=Config(dict(model=dict(data_preprocessor=dict(pad_size_divisor=divisor)))),
        logger=SimpleNamespace(warning=warnings.append),
        iter=0,
    )
    hook = ShapeWatchHook(most=8)
    for runner.iter, width in enumerate(widths):
        hook.before_train_iter(runner, runner.iter, dict(inputs=[torch.zeros(3, 100, width)]))
    return warnings


def test_ninth_shape_is_warned_of_once() -> None:
    (message,) = run_hook([100 + 10 * k for k in range(30)], divisor=1)
    assert "9 different batch sizes in 9 iterations" in message


def test_padding_to_few_shapes_is_fine() -> None:
    assert run_hook([100 + 10 * k for k in range(30)], divisor=64) == []


def test_batch_is_as_large_as_its_largest_picture() -> None:
    images = [torch.zeros(3, 100, 64), torch.zeros(3, 60, 180)]
    assert padded_size(images, 64) == (128, 192)
    assert padded_size(images, 1) == (100, 180)
