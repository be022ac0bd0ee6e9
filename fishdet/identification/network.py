"""The network that turns crops of fish into points on a sphere, near where the species is one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from mmdet.registry import MODELS
from mmengine.model import BaseModel, BaseModule
from mmengine.structures import BaseDataElement
from torch import Tensor, nn
from torch.nn import functional as F

from fishdet.errors import FishdetError


@MODELS.register_module()
class CosineMarginHead(BaseModule):
    """Species as directions, told apart by an angle with a margin: ArcFace, with sub-centres.

    Deng, Guo, Xue and Zafeiriou, "ArcFace: Additive Angular Margin Loss for Deep Face
    Recognition" (CVPR 2019, arXiv:1801.07698): the logit of the true class is s cos(θ + m), of
    others s cos θ. Deng, Guo, Liu, Gong and Zafeiriou, "Sub-center ArcFace: Boosting Face
    Recognition by Large-Scale Noisy Web Faces" (ECCV 2020): a class has several centres, of which
    the nearest counts; males, females and young, or wrong labels, may have one of their own.
    Where θ + m passes π, the logit goes on straight, so that it falls with θ everywhere.

    Args:
        num_classes: C species.
        dimensions: D of the embeddings.
        centres: directions a species; 1 is plain ArcFace.
        margin: m in radians; 0 is a plain cosine classifier.
        scale: s.
        smoothing: of the labels, against wrong ones.

    Raises:
        FishdetError: a setting out of its range.
    """

    def __init__(
        self,
        num_classes: int,
        dimensions: int,
        centres: int = 2,
        margin: float = 0.2,
        scale: float = 16.0,
        smoothing: float = 0.0,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if centres < 1 or scale <= 0 or not 0 <= margin < math.pi / 2:
            raise FishdetError(
                f"CosineMarginHead: centres={centres}, scale={scale}, margin={margin}: give at "
                "least one centre, a scale above 0 and a margin from 0 to below pi/2"
            )
        self.margin, self.scale, self.smoothing = margin, scale, smoothing
        self.centres = nn.Parameter(torch.empty(num_classes, centres, dimensions))
        nn.init.normal_(self.centres)

    def cosines(self, embeddings: Tensor) -> Tensor:
        """Return (B, C), the cosine of each embedding (B, D) with the species' nearest centre."""
        centres = F.normalize(self.centres.float(), dim=-1)
        all_of_them = torch.einsum("bd,ckd->bck", embeddings.float(), centres)
        return all_of_them.amax(-1)

    def loss(self, embeddings: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return ``loss`` and ``top1`` (share right, without the margin) of (B, D) and (B,)."""
        cosines = self.cosines(embeddings)
        true = cosines.gather(1, labels[:, None]).clamp(-1 + 1e-6, 1 - 1e-6)
        limit = math.cos(math.pi - self.margin)
        turned = torch.cos(torch.acos(true) + self.margin)
        turned = torch.where(true > limit, turned, true - self.margin * math.sin(self.margin))
        logits = self.scale * cosines.scatter(1, labels[:, None], turned)
        loss = F.cross_entropy(logits, labels, label_smoothing=self.smoothing)
        right = (cosines.argmax(1) == labels).float().mean()
        return {"loss": loss, "top1": right.detach()}

    def scores(self, embeddings: Tensor) -> Tensor:
        """Return (B, C), probabilities without the margin."""
        return (self.scale * self.cosines(embeddings)).softmax(-1)


def pool(feature: Tensor) -> Tensor:
    """Return (B, 2C): mean and standard deviation of each channel of a map (B, C, h, w)."""
    mean = feature.mean((-2, -1), keepdim=True)
    spread = (feature - mean).square().mean((-2, -1)).add(1e-6).sqrt()
    return torch.cat([mean.flatten(1), spread], dim=1)


@MODELS.register_module()
class FishEmbedder(BaseModel):
    """A backbone, its maps pooled, and a projection to D numbers of length 1.

    Of each channel of each map the mean and the standard deviation are taken: what is there, and
    how unevenly, as bars and spots are. Early maps hold the marks that part look-alikes, and what
    they say is not bent to the species that were taught. ``DiscriminantStart`` sets ``centre`` and
    ``spread``, by which these numbers are brought to mean 0 and spread 1.

    Args:
        backbone: config of a backbone that returns maps (B, channels, h, w).
        channels: of these maps, in order.
        dimensions: D.
        head: config of the head, without num_classes' companions ``dimensions``.
        dropout: before the projection.
        data_preprocessor: of mmengine, for pixel values and stacking.

    Raises:
        FishdetError: ``channels`` is not what the backbone returns.
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        channels: Sequence[int],
        dimensions: int,
        head: dict[str, Any],
        dropout: float = 0.0,
        data_preprocessor: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.backbone = MODELS.build(backbone)
        given = list(getattr(self.backbone, "channels", channels))
        if given != list(channels):
            raise FishdetError(
                f"FishEmbedder: model.channels is {list(channels)}, and the backbone's maps have "
                f"{given}: set model.channels={given}"
            )
        self.register_buffer("centre", torch.zeros(2 * sum(channels)))
        self.register_buffer("spread", torch.ones(2 * sum(channels)))
        self.dropout = nn.Dropout(dropout)
        self.centre: Tensor
        self.spread: Tensor
        self.project = nn.Linear(2 * sum(channels), dimensions, bias=False)
        self.norm = nn.BatchNorm1d(dimensions)
        self.head = MODELS.build({**head, "dimensions": dimensions})
        self.dimensions = dimensions

    def embed(self, inputs: Tensor) -> Tensor:
        """Return embeddings float32 (B, D) of length 1 for normalised crops (B, 3, H, W)."""
        scaled = (self.pooled(inputs) - self.centre) / self.spread
        projected = self.norm(self.project(self.dropout(scaled)).float())
        return F.normalize(projected, dim=-1)

    def pooled(self, inputs: Tensor) -> Tensor:
        """Return mean and spread of all channels, float32 (B, 2 * sum(channels))."""
        return torch.cat([pool(one.float()) for one in self.backbone(inputs)], dim=1)

    def forward(
        self,
        inputs: Tensor,
        data_samples: list[BaseDataElement] | None = None,
        mode: str = "tensor",
    ) -> Any:
        """Return embeddings ('tensor'), losses ('loss') or filled data samples ('predict').

        Samples get ``embedding`` (D,) and ``pred_scores`` (C,).
        """
        embeddings = self.embed(inputs)
        if mode == "tensor":
            return embeddings
        samples = data_samples or [BaseDataElement() for _ in range(len(embeddings))]
        if mode == "loss":
            labels = torch.cat([sample.gt_label for sample in samples]).to(embeddings.device)
            return self.head.loss(embeddings, labels)
        scores = self.head.scores(embeddings)
        for sample, embedding, row in zip(samples, embeddings, scores, strict=True):
            sample.embedding, sample.pred_scores = embedding, row
        return samples
