"""Which part of the picture spoke for a species: gradient × activation on the RoI's level.

The score of the species, before softmax, is derived by the feature map that RoIAlign reads; each
value times its derivative is what it adds to the score to first order (captum's ``InputXGradient``;
Shrikumar et al., 2016, https://arxiv.org/abs/1605.01713). Summed over the channels and cut at zero
it is read as Grad-CAM is (Selvaraju et al., 2017, https://arxiv.org/abs/1610.02391), without
averaging the gradients over places first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fishdet.errors import FishdetError

from .record import Trace

NEEDS = "captum is not installed; saliency needs: pip install -e '.[trace]'"


@dataclass(frozen=True)
class Saliency:
    """What spoke for one detection.

    Attributes:
        values: float32 (h, w), the sum over channels of gradient × activation, signs kept.
        box: xyxy pixels of the network's input that ``values`` covers.
    """

    values: np.ndarray
    box: tuple[float, float, float, float]


def has_captum() -> bool:
    """Return whether the extra is installed."""
    try:
        import captum.attr  # noqa: F401
    except ModuleNotFoundError:
        return False
    return True


def saliency(model: Any, trace: Trace, fish: int) -> Saliency:
    """Return what spoke for detection ``fish``, an index into ``trace.final``.

    Raises:
        FishdetError: captum is not installed.
    """
    try:
        from captum.attr import InputXGradient
    except ModuleNotFoundError as error:
        raise FishdetError(NEEDS) from error
    regions = trace.regions
    candidate = int(regions.kept[int(trace.final[fish])])
    roi, label = int(regions.candidate_roi[candidate]), int(regions.candidate_label[candidate])
    level = int(regions.level[roi])
    feats = [trace.features[name][None] for name in trace.level_names]
    with torch.enable_grad():
        logits = class_logits(model, feats, level, regions.rois[roi])
        given = feats[level].detach().clone().requires_grad_()
        whole = InputXGradient(logits).attribute(given, target=label)[0].sum(0)
    return _around(whole.detach().float(), regions.rois[roi], trace.proposals.strides[level])


def class_logits(model: Any, feats: list[Tensor], level: int, roi: Tensor) -> Any:
    """Return the function from the map of one level (1, C, H, W) to the RoI's logits (1, K)."""
    extractor = model.roi_head.bbox_roi_extractor
    number = torch.cat([roi.new_zeros(1), roi])[None]

    def logits(one: Tensor) -> Tensor:
        maps = [*feats[:level], one, *feats[level + 1 :]]
        read = extractor(tuple(maps[: extractor.num_inputs]), number)
        return model.roi_head.bbox_head(read)[0]

    return logits


def _around(values: Tensor, roi: Tensor, stride: Tensor) -> Saliency:
    """Cut out the cells that RoIAlign can have read for this RoI."""
    (sx, sy), (x1, y1, x2, y2) = stride.tolist(), roi.tolist()
    height, width = values.shape
    left, top = max(int(x1 / sx) - 1, 0), max(int(y1 / sy) - 1, 0)
    right, bottom = min(int(x2 / sx) + 2, width), min(int(y2 / sy) + 2, height)
    part = values[top:bottom, left:right].cpu().numpy()
    return Saliency(part, (left * sx, top * sy, right * sx, bottom * sy))
