"""Training steps of a config, one a turn, without a runner around them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from mmdet.registry import MODELS
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner

from fishdet.hooks.convolutions import wants_fast_convolutions
from fishdet.models.arrangement import arrange_model


def training_steps(cfg: Any) -> Iterator[None]:
    """Load a batch and train on it, a turn each, as ``tools/train.py`` would from the start, epoch
    after epoch; ``cfg`` is bound to its data."""
    torch.manual_seed(0)
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    model.train()
    if wants_fast_convolutions(cfg):
        arrange_model(model, training=True)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    while True:
        for batch in loader:
            model.train_step(batch, wrapper)
            yield
