"""Faster R-CNN with ResNet and FPN between MMDetection and torchvision, weights and results."""

from __future__ import annotations

from .config import torchvision_config
from .convert import to_mmdet_state, to_torchvision_state
from .exporting import TorchvisionModel, export, to_torchvision
from .files import convert_file
from .importing import from_torchvision
from .names import is_torchvision

__all__ = [
    "TorchvisionModel",
    "convert_file",
    "export",
    "from_torchvision",
    "is_torchvision",
    "to_mmdet_state",
    "to_torchvision",
    "to_torchvision_state",
    "torchvision_config",
]
