"""Heads that look at proposals: Faster R-CNN and Cascade R-CNN."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.ops import roi_align

from .decoding import from_deltas
from .pixels import Prepared
from .proposals import Proposals
from .sizes import best, rows, size
from .suppression import NO_BOX, survivors


@dataclass(frozen=True)
class _RoIs:
    """Proposals laid end to end: boxes (R, 4), picture of each (R,), whether it is one (R,)."""

    boxes: Tensor
    image: Tensor
    valid: Tensor


class TwoStage(nn.Module):
    """Proposals, RoI features, heads and NMS, as mmdet's standard and cascade RoI heads.

    Args:
        rpn_head: proposes.
        roi_head: names and refines.
        rpn_cfg, rcnn_cfg: their test settings.
    """

    def __init__(self, rpn_head: Any, roi_head: Any, rpn_cfg: Any, rcnn_cfg: Any) -> None:
        super().__init__()
        self.proposals = Proposals(rpn_head, rpn_cfg)
        cascade = isinstance(roi_head.bbox_head, nn.ModuleList)
        extractor, head = roi_head.bbox_roi_extractor, roi_head.bbox_head
        self.extractors = list(extractor) if cascade else [extractor]
        self.heads: Any = nn.ModuleList(head) if cascade else nn.ModuleList([head])
        self.cfg = rcnn_cfg
        last: Any = self.heads[-1]
        self.classes = int(last.num_classes)

    def forward(self, features: Sequence[Tensor], prepared: Prepared) -> tuple[Tensor, ...]:
        """Return boxes, scores, labels and class scores; see ``Graph``."""
        boxes, objectness = self.proposals(features, prepared)
        batch, each = size(boxes, 0), size(boxes, 1)
        image = (torch.arange(batch)[:, None] + torch.arange(each)[None] * 0).reshape(-1)
        rois = _RoIs(boxes.reshape(-1, 4), image, (objectness > 0).reshape(-1))
        logits, deltas = self._stage(0, features, rois)
        total = logits
        for stage in range(1, len(self.heads)):
            rois = self._refined(stage - 1, rois, logits, deltas, prepared.limits)
            logits, deltas = self._stage(stage, features, rois)
            total = total + logits
        scores = (total / len(self.heads)).softmax(dim=-1)[:, : self.classes]
        scores = torch.where(rois.valid[:, None], scores, torch.full_like(scores, NO_BOX))
        boxes = self._decoded(len(self.heads) - 1, rois.boxes, deltas, prepared.limits)
        return self._final(
            (boxes / prepared.scale).reshape(batch, -1, self._boxes(), 4),
            scores.reshape(batch, -1, self.classes),
        )

    def _stage(self, stage: int, features: Sequence[Tensor], rois: _RoIs) -> tuple[Tensor, Tensor]:
        """Logits (R, C + 1) and deltas (R, 4 or 4·C) of every RoI; zeros for what is none.

        RoIs run in the order of their levels, so that no feature is moved.
        """
        pooled, order = _pooled(self.extractors[stage], features, rois)
        logits, deltas = self.heads[stage](pooled)
        return tuple(_placed(part, order, rois.valid) for part in (logits, deltas))  # type: ignore[return-value]

    def _refined(
        self, stage: int, rois: _RoIs, logits: Tensor, deltas: Tensor, limits: Tensor
    ) -> _RoIs:
        boxes = self._decoded(stage, rois.boxes, deltas, limits)
        if boxes.shape[1] > 1:
            label = logits[:, : self.classes].argmax(dim=1)
            boxes = rows(boxes, label[:, None])
        return _RoIs(boxes[:, 0], rois.image, rois.valid)

    def _decoded(self, stage: int, priors: Tensor, deltas: Tensor, limits: Tensor) -> Tensor:
        """Boxes (R, C, 4), C = 1 where the head has one for all classes."""
        deltas = deltas.reshape(size(deltas, 0), -1, 4)
        return from_deltas(priors[:, None], deltas, self.heads[stage].bbox_coder, limits)

    def _boxes(self) -> int:
        return 1 if self.heads[-1].reg_class_agnostic else self.classes

    def _final(self, boxes: Tensor, scores: Tensor) -> tuple[Tensor, ...]:
        """NMS of each class of each picture; boxes (B, P, C or 1, 4), scores (B, P, C)."""
        batch, each = size(scores, 0), size(scores, 1)
        sure = torch.where(
            scores > float(self.cfg.score_thr), scores, torch.full_like(scores, NO_BOX)
        )
        by_class = sure.permute(0, 2, 1)
        corners = boxes.permute(0, 2, 1, 3).expand(-1, self.classes, -1, -1)
        kept = survivors(
            corners.reshape(batch * self.classes, each, 4),
            by_class.reshape(batch * self.classes, each),
            float(self.cfg.nms.iou_threshold),
        )
        values, chosen = best(kept.reshape(batch, -1), int(self.cfg.max_per_img))
        labels = torch.div(chosen, each, rounding_mode="floor")
        row = chosen - labels * each
        flat = corners.reshape(batch, self.classes * each, 4)
        return rows(flat, chosen), values, labels, rows(scores, row)


def _pooled(extractor: Any, features: Sequence[Tensor], rois: _RoIs) -> tuple[Tensor, Tensor]:
    """RoI features and which RoI (a number of 0 to R - 1) each belongs to, level by level."""
    layer = extractor.roi_layers[0]
    with_image = torch.cat([rois.image.float()[:, None], rois.boxes], dim=1)
    levels = extractor.map_roi_levels(with_image, extractor.num_inputs)
    parts, orders = [], []
    for level in range(extractor.num_inputs):
        chosen = torch.nonzero((levels == level) & rois.valid)[:, 0]
        parts.append(
            roi_align(
                features[level],
                with_image[chosen],
                layer.output_size,
                1.0 / extractor.featmap_strides[level],
                layer.sampling_ratio,
                layer.aligned,
            )
        )
        orders.append(chosen)
    return torch.cat(parts), torch.cat(orders)


def _placed(values: Tensor, order: Tensor, valid: Tensor) -> Tensor:
    """Values (K, D) at rows ``order`` of zeros (R, D)."""
    empty = (valid.float() * 0)[:, None].expand(-1, values.shape[1])
    return empty.scatter(0, order[:, None].expand(-1, values.shape[1]), values)
