"""Where anchors and points lie, and boxes from what a network says of them."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from .sizes import size


def anchors(base: Tensor, stride: tuple[int, int], feature: Tensor) -> Tensor:
    """Return the anchors (H·W·A, 4) of a map, in the order of (y, x, anchor).

    Args:
        base: (A, 4), around the first place.
        stride: pixels a place, x and y.
        feature: (B, C, H, W), only its size counts.
    """
    x = torch.arange(size(feature, 3)).float() * stride[0]
    y = torch.arange(size(feature, 2)).float() * stride[1]
    shifts = _grid(x, y).repeat(1, 2)
    return (shifts[:, None] + base[None]).reshape(-1, 4)


def points(offset: float, stride: tuple[int, int], feature: Tensor) -> Tensor:
    """Return the points (H·W, 2), x and y, of a map; ``offset`` is a share of the stride."""
    x = (torch.arange(size(feature, 3)).float() + offset) * stride[0]
    y = (torch.arange(size(feature, 2)).float() + offset) * stride[1]
    return _grid(x, y)


def from_deltas(priors: Tensor, deltas: Tensor, coder: Any, limits: Tensor) -> Tensor:
    """Return boxes (…, 4) as mmdet's ``DeltaXYWHBBoxCoder`` decodes them.

    Girshick et al. 2014, https://arxiv.org/abs/1311.2524, appendix C.

    Args:
        priors: (…, 4) corners.
        deltas: (…, 4), of a shape that ``priors`` spreads to.
        coder: means, stds, clipping.
        limits: (4,) right and lower border, twice.
    """
    deltas = deltas * deltas.new_tensor(coder.stds) + deltas.new_tensor(coder.means)
    corner, far = priors[..., :2], priors[..., 2:]
    extent = far - corner
    shift = deltas[..., :2] * extent
    growth = deltas[..., 2:]
    # mmdet's wh_ratio_clip
    most = abs(math.log(16 / 1000))
    if coder.add_ctr_clamp:
        shift = shift.clamp(-coder.ctr_clamp, coder.ctr_clamp)
        growth = growth.clamp(max=most)
    else:
        growth = growth.clamp(-most, most)
    centre = (corner + far) * 0.5 + shift
    half = extent * growth.exp() * 0.5
    boxes = torch.cat([centre - half, centre + half], dim=-1)
    return clipped(boxes, limits) if coder.clip_border else boxes


def from_distances(places: Tensor, distances: Tensor, coder: Any, limits: Tensor) -> Tensor:
    """Return boxes (…, 4) that lie ``distances`` (left, top, right, bottom) around points (…, 2).

    As mmdet's ``DistancePointBBoxCoder``; FCOS, Tian et al. 2019, https://arxiv.org/abs/1904.01355.
    """
    boxes = torch.cat([places - distances[..., :2], places + distances[..., 2:]], dim=-1)
    return clipped(boxes, limits) if coder.clip_border else boxes


def clipped(boxes: Tensor, limits: Tensor) -> Tensor:
    """Return boxes with their corners inside 0 and ``limits`` (4,)."""
    return torch.minimum(boxes.clamp(min=0), limits)


def _grid(x: Tensor, y: Tensor) -> Tensor:
    columns = (x[None] + y[:, None] * 0).reshape(-1)
    lines = (y[:, None] + x[None] * 0).reshape(-1)
    return torch.stack([columns, lines], dim=-1)
