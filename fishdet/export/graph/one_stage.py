"""Heads that name boxes at once: RetinaNet, FCOS, ATSS, RTMDet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .decoding import anchors, from_deltas, from_distances, points
from .pixels import Prepared
from .sizes import best, rows, size
from .suppression import NO_BOX, survivors


class OneStage(nn.Module):
    """Scores, boxes and NMS of a dense head, as mmdet's ``BaseDenseHead.predict_by_feat``.

    Args:
        head: the dense head; ``support.require_supported`` has looked at it.
        cfg: its test settings.
    """

    def __init__(self, head: Any, cfg: Any) -> None:
        super().__init__()
        self.head = head
        self.cfg = cfg
        self.classes = int(head.num_classes)

    def forward(self, features: Sequence[Tensor], prepared: Prepared) -> tuple[Tensor, ...]:
        """Return boxes (B, M, 4), scores (B, M) and labels (B, M); see ``Graph``."""
        outputs = self.head(tuple(features))
        factors = outputs[2] if len(outputs) > 2 else [None] * len(outputs[0])
        parts = [
            self._level(level, *maps, prepared.limits)
            for level, maps in enumerate(zip(outputs[0], outputs[1], factors, strict=True))
        ]
        boxes, scores, labels = (torch.cat(column, dim=1) for column in zip(*parts, strict=True))
        boxes = boxes / prepared.scale
        # Boxes of different classes must not meet: each class has its own place far from others.
        apart = boxes + (labels.float() * (boxes.max() + 1)).unsqueeze(-1)
        kept = survivors(apart, scores, float(self.cfg.nms.iou_threshold))
        scores, chosen = best(kept, int(self.cfg.max_per_img))
        return rows(boxes, chosen), scores, torch.gather(labels, 1, chosen)

    def _level(
        self, level: int, logits: Tensor, deltas: Tensor, factor: Tensor | None, limits: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        batch = size(logits, 0)
        scores = _rows_of(logits, self.classes).sigmoid().reshape(batch, -1)
        scores = torch.where(scores > float(self.cfg.get("score_thr", 0)), scores, scores * 0)
        limit = int(self.cfg.get("nms_pre", -1))
        scores, chosen = best(scores, limit if limit > 0 else 2**31 - 1)
        labels = chosen % self.classes
        places = torch.div(chosen, self.classes, rounding_mode="floor")
        deltas = rows(_rows_of(deltas, 4), places)
        boxes = self._decoded(level, logits, deltas, places, limits)
        valid = scores > 0
        least = float(self.cfg.get("min_bbox_size", -1))
        if least >= 0:
            valid = valid & ((boxes[..., 2:] - boxes[..., :2]).amin(dim=-1) > least)
        if factor is not None:
            scores = scores * torch.gather(_rows_of(factor, 1)[..., 0].sigmoid(), 1, places)
        return boxes, torch.where(valid, scores, torch.full_like(scores, NO_BOX)), labels

    def _decoded(
        self, level: int, feature: Tensor, deltas: Tensor, places: Tensor, limits: Tensor
    ) -> Tensor:
        generator, coder = self.head.prior_generator, self.head.bbox_coder
        stride = tuple(generator.strides[level])
        if hasattr(generator, "base_anchors"):
            priors = anchors(generator.base_anchors[level], stride, feature)
            return from_deltas(priors[places], deltas, coder, limits)
        return from_distances(
            points(generator.offset, stride, feature)[places], deltas, coder, limits
        )


def _rows_of(maps: Tensor, columns: int) -> Tensor:
    """(B, A·K, H, W) → (B, H·W·A, K)."""
    return maps.permute(0, 2, 3, 1).reshape(size(maps, 0), -1, columns)
