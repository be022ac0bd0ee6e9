"""Networks beyond mmdet's own: registered on import."""

import fish_dataset.mmdet_import  # noqa: F401  (first: mmdet.datasets without its noise)

from .assigner import IgnoreRegionAssigner
from .fused_views import FusedViewsTTA
from .optim_wrapper import CpuAmpOptimWrapper
from .optimizer import DenseAdamW, DenseSGD
from .roi_extractor import MultiLevelRoIExtractor
from .sigmoid_losses import EqualizationLoss, EqualizationLossV2, SpeciesFocalLoss
from .timm_backbone import TimmBackbone
from .torchvision_parts import (
    TorchvisionAnchorGenerator,
    TorchvisionBBoxCoder,
    TorchvisionBBoxHead,
    TorchvisionResize,
    TorchvisionRoIExtractor,
)
from .transformers_detector import TransformersDetector

__all__ = [
    "CpuAmpOptimWrapper",
    "DenseAdamW",
    "DenseSGD",
    "EqualizationLoss",
    "EqualizationLossV2",
    "FusedViewsTTA",
    "IgnoreRegionAssigner",
    "MultiLevelRoIExtractor",
    "SpeciesFocalLoss",
    "TimmBackbone",
    "TorchvisionAnchorGenerator",
    "TorchvisionBBoxCoder",
    "TorchvisionBBoxHead",
    "TorchvisionResize",
    "TorchvisionRoIExtractor",
    "TransformersDetector",
]
