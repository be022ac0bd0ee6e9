"""Focal loss (Lin et al., 2017, https://arxiv.org/abs/1708.02002) as mmcv's kernels state it.

Forward and backward are written out, since mmcv asks for the gradient of a sum of ones and
multiplies it by the incoming one itself. A target equal to the number of classes (or below 0, for
softmax) is background.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tvops.precision import widened

TINY = torch.finfo(torch.float32).tiny


def sigmoid_focal_loss_forward(
    input: Tensor, target: Tensor, weight: Tensor, output: Tensor, gamma: float, alpha: float
) -> None:
    """Fill ``output`` (N, C) with the loss of the logits ``input`` (N, C) against ``target`` (N,).

    ``weight`` is (C,), one factor per class of the target, or empty; background weighs 1.
    """
    (logits,) = widened(input)
    p = logits.sigmoid()
    positive = -alpha * (1 - p) ** gamma * p.clamp(min=TINY).log()
    negative = -(1 - alpha) * p**gamma * (1 - p).clamp(min=TINY).log()
    loss = torch.where(_one_hot(target, input), positive, negative)
    output.copy_(loss * _class_weight(target, weight)[:, None])


def sigmoid_focal_loss_backward(
    input: Tensor, target: Tensor, weight: Tensor, grad_input: Tensor, gamma: float, alpha: float
) -> None:
    """Fill ``grad_input`` (N, C) with the derivative of the loss by each logit."""
    (logits,) = widened(input)
    p = logits.sigmoid()
    log_p, log_q = p.clamp(min=TINY).log(), (1 - p).clamp(min=TINY).log()
    positive = -alpha * (1 - p) ** gamma * (1 - p - gamma * p * log_p)
    negative = -(1 - alpha) * p**gamma * (gamma * (1 - p) * log_q - p)
    grad = torch.where(_one_hot(target, input), positive, negative)
    grad_input.copy_(grad * _class_weight(target, weight)[:, None])


def softmax_focal_loss_forward(
    input: Tensor, target: Tensor, weight: Tensor, output: Tensor, gamma: float, alpha: float
) -> None:
    """Fill ``output`` (N,) with the loss of the probabilities ``input`` (N, C)."""
    p, known = _probability_of(input, target)
    loss = -alpha * (1 - p) ** gamma * p.clamp(min=TINY).log()
    output.copy_(loss * known * _class_weight(target, weight))


def softmax_focal_loss_backward(
    input: Tensor,
    target: Tensor,
    weight: Tensor,
    buff: Tensor,
    grad_input: Tensor,
    gamma: float,
    alpha: float,
) -> None:
    """Fill ``grad_input`` (N, C) with the derivative of the loss by each logit.

    ``input`` holds probabilities. ``buff`` (N,) receives p · dloss/dp, as in mmcv.
    """
    p, known = _probability_of(input, target)
    q, log_p = 1 - p, p.clamp(min=TINY).log()
    by_log_p = alpha * (-(q**gamma) + gamma * q ** (gamma - 1) * p * log_p)
    buff.copy_(by_log_p * known * _class_weight(target, weight))
    (probabilities,) = widened(input)
    one_hot = _one_hot(target, input).to(probabilities.dtype)
    grad_input.copy_(buff.to(p.dtype)[:, None] * (one_hot - probabilities))


def _one_hot(target: Tensor, logits: Tensor) -> Tensor:
    return target[:, None] == torch.arange(logits.size(1), device=target.device)


def _probability_of(probabilities: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Probability of each row's target (N,), and 0 or 1 for whether it is a class at all."""
    (table,) = widened(probabilities)
    known = (target >= 0) & (target < table.size(1))
    column = target.clamp(0, table.size(1) - 1)[:, None]
    return table.gather(1, column)[:, 0], known.to(table.dtype)


def _class_weight(target: Tensor, weight: Tensor) -> Tensor:
    """Factor of each row (N,): that of its class, 1 for background and without weights."""
    if weight.numel() == 0:
        return torch.ones(target.shape, device=target.device)
    known = (target >= 0) & (target < len(weight))
    (factors,) = widened(weight)
    return torch.where(known, factors[target.clamp(0, len(weight) - 1)], factors.new_ones(()))
