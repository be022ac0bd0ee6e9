"""The module that stands in for ``mmcv._ext``: mmcv's names and argument order.

What is listed here works; any other operator name resolves to a placeholder that raises
:class:`tvops.unsupported.OperatorNotSupported` when it is called.
"""

from __future__ import annotations

import torch
import torchvision

from tvops.carafe import (
    carafe_backward,
    carafe_forward,
    carafe_naive_backward,
    carafe_naive_forward,
)
from tvops.deform_attention import ms_deform_attn_backward, ms_deform_attn_forward
from tvops.deform_conv import (
    deform_conv_backward_input,
    deform_conv_backward_parameters,
    deform_conv_forward,
    modulated_deform_conv_backward,
    modulated_deform_conv_forward,
)
from tvops.focal_loss import (
    sigmoid_focal_loss_backward,
    sigmoid_focal_loss_forward,
    softmax_focal_loss_backward,
    softmax_focal_loss_forward,
)
from tvops.nms import nms, nms_match, softnms
from tvops.roi_align import roi_align_backward, roi_align_forward
from tvops.roi_pool import roi_pool_backward, roi_pool_forward
from tvops.unsupported import UnsupportedOperator

__all__ = [
    "carafe_backward",
    "carafe_forward",
    "carafe_naive_backward",
    "carafe_naive_forward",
    "deform_conv_backward_input",
    "deform_conv_backward_parameters",
    "deform_conv_forward",
    "get_compiler_version",
    "get_compiling_cuda_version",
    "modulated_deform_conv_backward",
    "modulated_deform_conv_forward",
    "ms_deform_attn_backward",
    "ms_deform_attn_forward",
    "nms",
    "nms_match",
    "roi_align_backward",
    "roi_align_forward",
    "roi_pool_backward",
    "roi_pool_forward",
    "sigmoid_focal_loss_backward",
    "sigmoid_focal_loss_forward",
    "softmax_focal_loss_backward",
    "softmax_focal_loss_forward",
    "softnms",
]


def get_compiler_version() -> str:
    """What mmcv reports as its compiler: here, whose operators these are."""
    return f"none (tvops on torchvision {torchvision.__version__})"


def get_compiling_cuda_version() -> str:
    """What mmcv reports as its CUDA version: the one that torch was built for."""
    return torch.version.cuda or "not available"


def __getattr__(name: str) -> UnsupportedOperator:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return UnsupportedOperator(name)
