"""The RPN's way from anchors to proposals, step by step, with every step remembered.

The steps are those of ``mmdet.models.dense_heads.RPNHead._predict_by_feat_single`` and
``_bbox_post_process`` with their rows kept; the caller compares the end with what the model's own
RPN gave (Ren et al., Faster R-CNN, 2015, https://arxiv.org/abs/1506.01497, section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from mmcv.ops import batched_nms
from torch import Tensor


@dataclass(frozen=True, eq=False, repr=False)
class Proposals:
    """Candidates of the RPN in the order in which its NMS sees them, and what became of them.

    All boxes are xyxy in pixels of the network's input. N candidates, R proposals.

    Attributes:
        grids: (L, 3) rows, columns and anchors a location of each level.
        strides: (L, 2) pixels between locations, x and y.
        level: (N,) int64, the pyramid level of each candidate.
        anchor_index: (N,) int64, number of its anchor inside the level.
        anchors: (N, 4).
        logits: (N,) objectness before the sigmoid.
        scores: (N,) objectness.
        deltas: (N, 4) offsets as the network gives them.
        decoded: (N, 4) anchors moved by the offsets.
        boxes: (N, 4) the same, clipped to the picture.
        valid: (N,) bool, larger than the least size.
        kept: (K,) int64 rows that NMS leaves, best first.
        chosen: (R,) int64, the first of them: the proposals.
        settings: nms_pre, iou_threshold, max_per_img, min_bbox_size.
    """

    grids: Tensor
    strides: Tensor
    level: Tensor
    anchor_index: Tensor
    anchors: Tensor
    logits: Tensor
    scores: Tensor
    deltas: Tensor
    decoded: Tensor
    boxes: Tensor
    valid: Tensor
    kept: Tensor
    chosen: Tensor
    settings: dict[str, Any]

    @property
    def clipped(self) -> Tensor:
        """(N,) bool: boxes that stuck out of the picture."""
        return (self.decoded != self.boxes).any(dim=1)

    def location(self, row: int) -> tuple[int, int, int]:
        """Return grid row, grid column and number of the anchor there of candidate ``row``."""
        _, columns, anchors = self.grids[int(self.level[row])].tolist()
        cell, anchor = divmod(int(self.anchor_index[row]), anchors)
        return (*divmod(cell, columns), anchor)


def propose(head: Any, maps: tuple[list[Tensor], list[Tensor]], meta: dict[str, Any]) -> Proposals:
    """Repeat the RPN's steps on its own output.

    Args:
        head: mmdet's ``RPNHead``.
        maps: objectness (1, A, H, W) and offsets (1, 4A, H, W) of each level.
        meta: with ``img_shape``, height and width without padding.
    """
    cfg = head.test_cfg
    limit = cfg.get("nms_pre", -1)
    sizes = [tuple(one.shape[-2:]) for one in maps[0]]
    priors = head.prior_generator.grid_priors(sizes, dtype=maps[0][0].dtype,
                                              device=maps[0][0].device)  # fmt: skip
    columns: list[tuple[Tensor, ...]] = []
    for level, (objectness, offsets, anchors) in enumerate(zip(*maps, priors, strict=True)):
        deltas = offsets[0].permute(1, 2, 0).reshape(-1, head.bbox_coder.encode_size)
        logits = objectness[0].permute(1, 2, 0).reshape(-1, head.cls_out_channels)
        scores = logits.sigmoid() if head.use_sigmoid_cls else logits.softmax(-1)[:, :-1]
        scores, logits = scores[:, 0], logits[:, 0]
        rows = torch.arange(len(scores), device=scores.device)
        if 0 < limit < len(scores):
            scores, order = scores.sort(descending=True)
            rows, scores = order[:limit], scores[:limit]
        here = torch.full_like(rows, level)
        columns.append((here, rows, anchors[rows], logits[rows], scores, deltas[rows]))
    level, index, anchors, logits, scores, deltas = (
        torch.cat(parts) for parts in zip(*columns, strict=True)
    )
    decoded = head.bbox_coder.decode(anchors, deltas)
    boxes = head.bbox_coder.decode(anchors, deltas, max_shape=meta["img_shape"])
    valid = _large_enough(boxes, cfg.get("min_bbox_size", -1))
    rows = valid.nonzero()[:, 0]
    if len(rows):
        rows = rows[batched_nms(boxes[rows], scores[rows], level[rows], cfg.nms)[1]]
    per_location = maps[0][0].shape[1] // head.cls_out_channels
    return Proposals(
        grids=torch.tensor([(*size, per_location) for size in sizes]),
        strides=torch.tensor([_pair(stride) for stride in head.prior_generator.strides]),
        level=level,
        anchor_index=index,
        anchors=anchors,
        logits=logits,
        scores=scores,
        deltas=deltas,
        decoded=decoded,
        boxes=boxes,
        valid=valid,
        kept=rows,
        chosen=rows[: cfg.max_per_img],
        settings={
            "nms_pre": limit,
            "iou_threshold": float(cfg.nms.iou_threshold),
            "max_per_img": int(cfg.max_per_img),
            "min_bbox_size": cfg.get("min_bbox_size", -1),
            "stds": list(head.bbox_coder.stds),
        },
    )


def _large_enough(boxes: Tensor, least: float) -> Tensor:
    if least < 0:
        return torch.ones(len(boxes), dtype=torch.bool, device=boxes.device)
    return ((boxes[:, 2:] - boxes[:, :2]) > least).all(dim=1)


def _pair(stride: Any) -> tuple[int, int]:
    return (stride, stride) if isinstance(stride, int) else (int(stride[0]), int(stride[1]))
