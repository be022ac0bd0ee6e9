"""Non-maximum suppression of many groups at once, in every form that an export needs."""

from __future__ import annotations

import warnings
from typing import Any

import torch
import torchvision  # noqa: F401  (registers torchvision::nms)
from torch import Tensor

NO_BOX = -1.0  # score of what is no box


def survivors(boxes: Tensor, scores: Tensor, iou: float) -> Tensor:
    """Return the scores with ``NO_BOX`` in place of boxes that overlap a surer one of their group.

    Args:
        boxes: (G, N, 4) corners.
        scores: (G, N); those not above 0 take no part.
        iou: overlap beyond which the less sure box goes.

    Returns:
        (G, N), as ``scores``.
    """
    if torch.onnx.is_in_onnx_export():
        kept = _OnnxNms.apply(boxes, scores, iou)
    else:
        kept = _kept(boxes, scores, iou)
    mask = torch.zeros_like(scores).reshape(-1).scatter(0, kept, 1.0).reshape(scores.shape)
    return torch.where(mask > 0, scores, torch.full_like(scores, NO_BOX))


def _kept_of(boxes: Tensor, scores: Tensor, iou: float) -> Tensor:
    """Places in the flattened (G·N,) of what stays."""
    kept = [torch.zeros(0, dtype=torch.int64)]
    for group in range(boxes.shape[0]):
        rows = torch.nonzero(scores[group] > 0)[:, 0]
        found = torch.ops.torchvision.nms(boxes[group][rows], scores[group][rows], iou)
        kept.append(rows[found] + group * boxes.shape[1])
    return torch.cat(kept)


with warnings.catch_warnings():
    # A loop over an open number of groups: what replaces scripting has no form for it in a trace.
    warnings.simplefilter("ignore")
    _kept = torch.jit.script(_kept_of)


class _OnnxNms(torch.autograd.Function):
    """``NonMaxSuppression`` of ONNX, whose batch axis serves as groups."""

    @staticmethod
    def forward(ctx: Any, boxes: Tensor, scores: Tensor, iou: float) -> Tensor:
        return _kept(boxes, scores, iou)

    @staticmethod
    def symbolic(g: Any, boxes: Any, scores: Any, iou: float) -> Any:
        def constant(value: Tensor) -> Any:
            return g.op("Constant", value_t=value)

        one = constant(torch.tensor([1]))
        # A quantised graph forgets that a box has four corners, and OpenVINO's NMS asks for it.
        corners = g.op("Reshape", boxes, constant(torch.tensor([0, -1, 4])))
        found = g.op(
            "NonMaxSuppression",
            corners,
            g.op("Unsqueeze", scores, one),
            constant(torch.tensor([2**31 - 1])),
            constant(torch.tensor([iou], dtype=torch.float32)),
            constant(torch.tensor([0.0])),
        )
        group, row = (
            g.op("Gather", found, constant(torch.tensor(column)), axis_i=1) for column in (0, 2)
        )
        shape = g.op("Shape", scores)
        length = g.op("Gather", shape, constant(torch.tensor(1)), axis_i=0)
        return g.op("Add", g.op("Mul", group, length), row)
