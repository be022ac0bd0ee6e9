"""Assignment of priors to boxes that leaves ignored regions alone."""

from __future__ import annotations

from typing import Any

import torch
from mmdet.models.task_modules.assigners import AssignResult, MaxIoUAssigner
from mmdet.registry import TASK_UTILS
from mmengine.structures import InstanceData
from torch import Tensor


@TASK_UTILS.register_module()
class IgnoreRegionAssigner(MaxIoUAssigner):
    """mmdet's ``MaxIoUAssigner`` whose ignored boxes punish no prior as background.

    ``MaxIoUAssigner`` with ``ignore_iof_thr`` > 0 (mmdet's own configs have -1: never) has two
    holes: a picture with ignored boxes alone gets every prior as background, and inside an ignored
    region counted boxes lose their positives. Here assignment to counted boxes comes first; of the
    priors that it leaves as background, those are not used at all which

    - lie in an ignored box by more than ``ignore_iof_thr`` of their own area, or
    - overlap one so much that they would be no background if it counted (IoU of at least
      ``neg_iou_thr``).

    Args:
        *args: As ``MaxIoUAssigner``.
        ignore_iof_thr: Share of a prior's area inside one ignored box.
        **kwargs: As ``MaxIoUAssigner``.
    """

    def __init__(self, *args: Any, ignore_iof_thr: float = 0.5, **kwargs: Any) -> None:
        super().__init__(*args, ignore_iof_thr=-1, **kwargs)
        self.region_iof_thr = ignore_iof_thr

    def assign(
        self,
        pred_instances: InstanceData,
        gt_instances: InstanceData,
        gt_instances_ignore: InstanceData | None = None,
        **kwargs: Any,
    ) -> AssignResult:
        """Return ``gt_inds`` (n,): box number from 1, 0 for background, -1 for not used."""
        result = super().assign(pred_instances, gt_instances, None, **kwargs)
        priors = pred_instances.priors
        if gt_instances_ignore is None or not len(gt_instances_ignore.bboxes) or not len(priors):
            return result
        touched = self._in_regions(priors, gt_instances_ignore.bboxes)
        result.gt_inds[(result.gt_inds == 0) & touched] = -1
        return result

    def _in_regions(self, priors: Tensor, regions: Any) -> Tensor:
        """(n,) bool, the priors that an ignored box keeps from being background."""
        inside = self.iou_calculator(priors, regions, mode="iof").amax(dim=1)
        overlap = self.iou_calculator(priors, regions).amax(dim=1)
        limit = self.neg_iou_thr
        background = limit if isinstance(limit, float) else max(limit)
        return torch.logical_or(inside > self.region_iof_thr, overlap >= background)
