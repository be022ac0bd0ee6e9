"""A sampler of boxes that draws nothing: what one process samples, another does too."""

from __future__ import annotations

from typing import Any

import torch
from mmdet.models.task_modules import RandomSampler
from mmdet.registry import TASK_UTILS


@TASK_UTILS.register_module(force=True)
class FirstSampler(RandomSampler):
    """The first ``num`` boxes in place of random ones."""

    def random_choice(self, gallery: Any, num: int) -> torch.Tensor:
        return torch.as_tensor(gallery)[:num]
