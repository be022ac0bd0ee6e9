"""Test-time augmentation whose views are fused, not selected from."""

from __future__ import annotations

from typing import Any

import torch
from mmdet.models import DetTTAModel
from mmdet.models.utils import weighted_boxes_fusion
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox_flip
from mmengine.structures import InstanceData


@MODELS.register_module()
class FusedViewsTTA(DetTTAModel):  # type: ignore[misc]  # mmdet is not typed
    """Fuse the boxes that several views of a picture give by weighted boxes fusion.

    ``DetTTAModel`` keeps the best box of a group and drops the others (NMS), with its score
    unchanged. Here a group becomes its mean box, weighted by score, with the mean score over all
    views: a fish that one view of six found counts for a sixth (https://arxiv.org/abs/1910.13302,
    by mmdet's ``weighted_boxes_fusion``).

    Args:
        tta_cfg: ``iou_thr``, from which on boxes of one class are one fish, and ``max_per_img``.
        **kwargs: as of ``DetTTAModel``.
    """

    def _merge_single_sample(self, data_samples: list[DetDataSample]) -> DetDataSample:
        views = [sample.pred_instances for sample in data_samples]
        boxes, scores, labels = weighted_boxes_fusion(
            [_unflipped(sample).float().cpu().numpy() for sample in data_samples],
            [view.scores.float().cpu().numpy() for view in views],
            [view.labels.cpu().numpy() for view in views],
            iou_thr=self.tta_cfg["iou_thr"],
        )
        return _replaced(data_samples[0], boxes, scores, labels, self.tta_cfg["max_per_img"])


def _unflipped(sample: DetDataSample) -> torch.Tensor:
    boxes = sample.pred_instances.bboxes
    if not sample.metainfo.get("flip", False):
        return boxes
    return bbox_flip(boxes, sample.ori_shape, sample.flip_direction)


def _replaced(sample: DetDataSample, *fused: Any) -> DetDataSample:
    boxes, scores, labels, limit = fused
    device = sample.pred_instances.bboxes.device
    sample.pred_instances = InstanceData(
        bboxes=boxes[:limit].reshape(-1, 4).to(device),
        scores=scores[:limit].to(device),
        labels=labels[:limit].long().to(device),
    )
    return sample
