"""The region proposal network: features to proposals, for whole batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .decoding import anchors, from_deltas
from .pixels import Prepared
from .sizes import best, rows, size
from .suppression import NO_BOX, survivors


class Proposals(nn.Module):
    """mmdet's ``RPNHead.predict``: the best anchors a level, NMS a level, the best of all."""

    def __init__(self, head: Any, cfg: Any) -> None:
        super().__init__()
        self.head = head
        self.cfg = cfg

    def forward(self, features: Sequence[Tensor], prepared: Prepared) -> tuple[Tensor, Tensor]:
        """Return boxes (B, P, 4) and scores (B, P), best first; ``NO_BOX`` fills up."""
        logits, deltas = self.head(tuple(features))
        parts = [
            self._level(level, *maps, prepared.limits)
            for level, maps in enumerate(zip(logits, deltas, strict=True))
        ]
        boxes, scores = (torch.cat(column, dim=1) for column in zip(*parts, strict=True))
        scores, chosen = best(scores, int(self.cfg.max_per_img))
        return rows(boxes, chosen), scores

    def _level(
        self, level: int, logits: Tensor, deltas: Tensor, limits: Tensor
    ) -> tuple[Tensor, Tensor]:
        batch = size(logits, 0)
        scores = logits.permute(0, 2, 3, 1).reshape(batch, -1).sigmoid()
        scores, chosen = best(scores, int(self.cfg.nms_pre))
        deltas = rows(deltas.permute(0, 2, 3, 1).reshape(batch, -1, 4), chosen)
        generator = self.head.prior_generator
        priors = anchors(generator.base_anchors[level], tuple(generator.strides[level]), logits)
        boxes = from_deltas(priors[chosen], deltas, self.head.bbox_coder, limits)
        least = float(self.cfg.get("min_bbox_size", -1))
        if least >= 0:
            valid = (boxes[..., 2:] - boxes[..., :2]).amin(dim=-1) > least
            scores = torch.where(valid, scores, torch.full_like(scores, NO_BOX))
        return boxes, survivors(boxes, scores, float(self.cfg.nms.iou_threshold))
