"""Non-maximum suppression: hard, soft, and with the groups of what was suppressed."""

from __future__ import annotations

import numpy as np
import torch
import torchvision
from torch import Tensor

from tvops.precision import widened

NAIVE, LINEAR, GAUSSIAN = 0, 1, 2
BLOCK = 256  # boxes that are looked at together: their overlaps lie in the cache


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Greedy suppression of boxes that overlap a better one by more than the threshold.

    Args:
        boxes: (N, 4) corners xyxy in pixels, of any floating type.
        scores: (N,), of any floating type.
        iou_threshold: a box goes when its IoU with a kept one is greater.
        offset: 0, or 1 where a box from 3 to 5 is three pixels wide.

    Returns:
        (K,) int64 indices of the kept boxes, best score first.
    """
    boxes, scores = widened(boxes, scores)
    if offset:
        boxes = boxes + boxes.new_tensor([0.0, 0.0, offset, offset])
    return torchvision.ops.nms(boxes, scores, float(iou_threshold))


def best_nms(
    boxes: Tensor, scores: Tensor, iou_threshold: float, most: int, groups: Tensor | None = None
) -> Tensor:
    """The first boxes that :func:`nms` would keep, found without looking at those behind them.

    Boxes are taken by score, some hundreds at a time, and compared with those kept before and
    with one another; once enough are kept, the rest is not looked at. ``benchmarks/suppression.py``
    has it beside torchvision's kernel.

    Args:
        boxes: (N, 4) corners xyxy in pixels, of any floating type.
        scores: (N,), of any floating type.
        iou_threshold: a box goes when its IoU with a kept one is greater.
        most: boxes to keep; below 1 all.
        groups: (N,) integers; boxes of different groups leave each other alone.

    Returns:
        (K,) int64 indices of the kept boxes, best score first, equal scores in the order given.

    Raises:
        ValueError: not as many scores or groups as boxes.
    """
    counts = {len(boxes), len(scores), len(boxes if groups is None else groups)}
    if len(counts) > 1:
        raise ValueError(f"boxes, scores and groups are not equally many: {sorted(counts)}")
    boxes, scores = widened(boxes, scores)
    order = scores.argsort(descending=True, stable=True)
    corners = boxes[order].t().contiguous()
    groups = None if groups is None else groups[order]
    threshold = _at_most(iou_threshold, corners)
    kept = torch.arange(0, device=order.device)
    for start in range(0, len(order), BLOCK):
        if 0 < most <= len(kept):
            break
        block = torch.arange(start, min(start + BLOCK, len(order)), device=order.device)
        if len(kept):
            block = block[~_overlap(corners, groups, kept, block, threshold).any(0)]
        block = block[_greedy(_overlap(corners, groups, block, block, threshold))]
        kept = torch.cat([kept, block])
    return order[kept[:most] if most > 0 else kept]


def _at_most(threshold: float, like: Tensor) -> Tensor:
    """The largest number of a tensor's type that is no greater than the threshold: an IoU of that
    type is above one where it is above the other."""
    found = like.new_tensor(threshold)
    if found.item() > threshold:
        found = torch.nextafter(found, torch.full_like(found, -torch.inf))
    return found


def _overlap(
    corners: Tensor, groups: Tensor | None, first: Tensor, second: Tensor, threshold: Tensor
) -> Tensor:
    """Which boxes (F, S) of two lists of rows of ``corners`` (4, N) have a greater IoU, computed
    in the order in which torchvision's kernel does."""
    (left, top, right, bottom), others = corners[:, first].unsqueeze(2), corners[:, second]
    width = torch.minimum(right, others[2]).sub_(torch.maximum(left, others[0])).clamp_(min=0)
    height = torch.minimum(bottom, others[3]).sub_(torch.maximum(top, others[1])).clamp_(min=0)
    inter = width.mul_(height)
    areas = (others[2] - others[0]) * (others[3] - others[1])
    union = torch.add((right - left) * (bottom - top), areas, out=height).sub_(inter)
    over = inter.div_(union) > threshold
    return over if groups is None else over & (groups[first].unsqueeze(1) == groups[second])


def _greedy(over: Tensor) -> Tensor:
    """Which of N boxes in the order of their scores stay, where ``over`` (N, N) overlap.

    All stay at first; then, again and again, those that none of the staying covers. Whether a box
    stays hangs on those before it alone, so that each pass settles one more at least, and what no
    pass changes is the greedy answer. Source: the passes of Cluster-NMS (Zheng et al., 2020,
    https://arxiv.org/abs/2005.03572).
    """
    over = over.triu(1)
    stays = torch.ones(len(over), dtype=torch.bool, device=over.device)
    while not torch.equal(stays, again := ~over[stays].any(0)):
        stays = again
    return stays


def softnms(
    boxes: Tensor,
    scores: Tensor,
    dets: Tensor,
    iou_threshold: float,
    sigma: float,
    min_score: float,
    method: int,
    offset: int,
) -> Tensor:
    """Soft-NMS (Bodla et al., 2017, https://arxiv.org/abs/1704.04503), on the CPU.

    Args:
        boxes: (N, 4) corners xyxy in pixels.
        scores: (N,).
        dets: (N, 5), filled in place: its first K rows become the kept boxes with their new
            scores, in the order in which they were picked.
        iou_threshold: from this IoU on the naive and linear methods act.
        sigma: width of the Gaussian method.
        min_score: a box whose score falls below is dropped.
        method: 0 naive (hard suppression), 1 linear, 2 Gaussian.
        offset: 0 or 1, as in :func:`nms`.

    Returns:
        (K,) int64 indices of the kept boxes.
    """
    box, score = (tensor.cpu().numpy().copy() for tensor in widened(boxes, scores))
    left = np.arange(len(box))
    kept, kept_scores = [], []
    while len(left):
        best = int(np.argmax(score[left]))
        picked = left[best]
        kept.append(picked)
        kept_scores.append(score[picked])
        left = np.delete(left, best)
        overlap = _iou_with(box[picked], box[left], offset)
        score[left] *= _decay(overlap, iou_threshold, sigma, method)
        left = left[score[left] >= min_score]
    order = torch.as_tensor(np.asarray(kept, dtype=np.int64))
    dets[: len(kept), :4] = torch.as_tensor(box[order.numpy()])
    dets[: len(kept), 4] = torch.as_tensor(np.asarray(kept_scores, dtype=score.dtype))
    return order


def nms_match(dets: Tensor, iou_threshold: float) -> list[list[int]]:
    """Suppress greedily and tell which box suppressed which.

    Args:
        dets: (N, 5) corners xyxy in pixels and score.
        iou_threshold: a box joins the group of a better one from this IoU on.

    Returns:
        One list a kept box, best first: its index, then those it suppressed, by score.
    """
    rows = widened(dets)[0].cpu()
    left = torch.argsort(rows[:, 4], descending=True, stable=True).numpy()
    box = rows[:, :4].numpy()
    groups = []
    while len(left):
        picked, left = left[0], left[1:]
        matched = _iou_with(box[picked], box[left], 0) >= iou_threshold
        groups.append([int(picked), *left[matched].tolist()])
        left = left[~matched]
    return groups


def _iou_with(box: np.ndarray, others: np.ndarray, offset: int) -> np.ndarray:
    """IoU of one box (4,) with others (N, 4); NaN where neither has an area."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    inter = np.maximum(high - low + offset, 0).prod(axis=1)
    area = (box[2:] - box[:2] + offset).prod()
    areas = (others[:, 2:] - others[:, :2] + offset).prod(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return inter / (area + areas - inter)


def _decay(overlap: np.ndarray, iou_threshold: float, sigma: float, method: int) -> np.ndarray:
    """The factor (N,) on the scores of boxes that overlap the picked one; 1 where IoU is NaN."""
    overlap = np.nan_to_num(overlap)
    if method == GAUSSIAN:
        return np.exp(-(overlap**2) / sigma)
    reduced = np.zeros_like(overlap) if method == NAIVE else 1 - overlap
    return np.where(overlap >= iou_threshold, reduced, 1)
