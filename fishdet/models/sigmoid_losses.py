"""Classifiers of two-stage models with one sigmoid a species and no logit for the background.

mmdet's own ``FocalCustomLoss`` returns scores without a column for the background, of which
``multiclass_nms`` drops the last: the last species is never found, and each box goes to a
neighbour's score. Its ``EQLV2Loss`` trains sigmoids, and the head predicts by softmax.
"""

from __future__ import annotations

from typing import Any

import torch
from mmdet.models.losses import EQLV2Loss, accuracy
from mmdet.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional

from fishdet.errors import FishdetError


class SpeciesSigmoids(nn.Module):
    """What ``BBoxHead`` asks of a loss that has a classifier of its own.

    Args:
        num_classes: species.
        loss_weight: factor of the loss.
    """

    custom_cls_channels = custom_activation = custom_accuracy = True

    def __init__(self, num_classes: int, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.num_classes, self.loss_weight = num_classes, loss_weight

    def get_cls_channels(self, num_classes: int) -> int:
        """Return the number of logits: one a species.

        Raises:
            FishdetError: the head has another number of species.
        """
        if num_classes != self.num_classes:
            raise FishdetError(
                f"{type(self).__name__}: num_classes {self.num_classes}, and its head has "
                f"{num_classes}; set both alike"
            )
        return num_classes

    def get_activation(self, logits: Tensor) -> Tensor:
        """Return (n, species + 1) scores of (n, species) logits; the background's are 0."""
        return functional.pad(logits.sigmoid(), (0, 1))

    def get_accuracy(self, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return ``acc_classes``: the share of fish whose highest logit is their species'."""
        fish = labels < self.num_classes
        return {"acc_classes": accuracy(logits[fish], labels[fish])}

    def forward(
        self,
        logits: Tensor,
        labels: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | None = None,
        reduction_override: str | None = None,
    ) -> Tensor:
        """Return the loss of (n, species) logits.

        Args:
            logits: of n RoIs.
            labels: n species from 0; ``num_classes`` is the background.
            weight: n weights of the RoIs.
            avg_factor: what the sum is divided by, n by default.
            reduction_override: ``'none'`` for (n, species) losses, ``'sum'``, or None.
        """
        target = functional.one_hot(labels, self.num_classes + 1)[:, :-1].to(logits.dtype)
        loss = self.losses(logits, target) * self.loss_weight
        if weight is not None:
            loss = loss * weight[:, None]
        if reduction_override == "none":
            return loss
        if reduction_override == "sum":
            return loss.sum()
        return loss.sum() / (max(1, len(labels)) if avg_factor is None else avg_factor)

    def losses(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each logit, all (n, species); rows of the background are 0 in
        ``target``."""
        raise NotImplementedError


@MODELS.register_module()
class SpeciesFocalLoss(SpeciesSigmoids):
    """Focal loss (Lin et al., ICCV 2017, equation 5): what is easy counts little.

    Args:
        num_classes: species.
        gamma: how fast it falls with the chance of being right.
        alpha: weight of a fish's own species; 1 - alpha that of all others.
        loss_weight: factor of the loss.
    """

    def __init__(
        self, num_classes: int, gamma: float = 2.0, alpha: float = 0.25, loss_weight: float = 1.0
    ) -> None:
        super().__init__(num_classes, loss_weight)
        self.gamma, self.alpha = gamma, alpha

    def losses(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return -alpha_t (1 - p_t)^gamma log(p_t) of each logit."""
        wrong = torch.where(target > 0, 1 - logits.sigmoid(), logits.sigmoid())
        alpha = torch.where(target > 0, self.alpha, 1 - self.alpha)
        plain = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        return alpha * wrong**self.gamma * plain


@MODELS.register_module()
class EqualizationLoss(SpeciesSigmoids):
    """Equalization loss (Tan et al., CVPR 2020, https://arxiv.org/abs/2003.05176).

    The sigmoid cross entropy of species j is weighted by 1 - E(r) T(f_j) (1 - y_j): a rare species
    is not told that a fish of another species is none of it. E is 1 for fish and 0 for background,
    T is 1 where the share f_j of training pictures with the species is below ``rare``.
    ``ImageSharesHook`` fills in the shares; before that no species counts as rare.

    Args:
        num_classes: species.
        rare: share of pictures below which a species is rare (lambda in the paper, which has
            1.76e-3 for the 1,230 classes of LVIS).
        loss_weight: factor of the loss.
    """

    image_shares: Tensor

    def __init__(self, num_classes: int, rare: float = 0.05, loss_weight: float = 1.0) -> None:
        super().__init__(num_classes, loss_weight)
        if not 0 <= rare <= 1:
            raise FishdetError(f"EqualizationLoss: rare = {rare}: a share from 0 to 1")
        self.rare = rare
        self.register_buffer("image_shares", torch.ones(num_classes), persistent=False)

    def losses(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the weighted cross entropy of each logit."""
        fish = target.sum(1, keepdim=True)
        weight = 1 - fish * (self.image_shares < self.rare) * (1 - target)
        plain = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        return weight * plain


@MODELS.register_module()
class EqualizationLossV2(EQLV2Loss):
    """mmdet's equalization loss v2 (Tan et al., CVPR 2021) that predicts as it is trained.

    One sigmoid a species and one for "a fish at all", whose complement scales the others.
    """

    custom_cls_channels = custom_activation = custom_accuracy = True

    def get_cls_channels(self, num_classes: int) -> int:
        """Return the number of logits: the species' and the background's."""
        return num_classes + 1

    def get_activation(self, logits: Tensor) -> Tensor:
        """Return (n, species + 1) scores; each species' times one minus the background's."""
        scores = logits.sigmoid()
        fish = 1 - scores[:, -1:] if self.test_with_obj else 1.0
        return torch.cat([scores[:, :-1] * fish, scores[:, -1:]], dim=1)

    def get_accuracy(self, logits: Tensor, labels: Tensor) -> dict[str, Any]:
        """Return ``acc_classes``: the share of fish whose highest logit is their species'."""
        fish = labels < self.num_classes
        return {"acc_classes": accuracy(logits[fish, :-1], labels[fish])}
