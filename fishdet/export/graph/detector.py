"""A built mmdet detector as one graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .one_stage import OneStage
from .padding import with_fixed_padding
from .pixels import Pixels
from .support import ONE_STAGE, require_supported
from .two_stage import TwoStage


class Graph(nn.Module):
    """Pixels to final boxes.

    Input: uint8 BGR (B, H, W, 3), pictures of one size.

    Output, best first, filled up with rows of score -1:
        boxes: float32 (B, M, 4), corners in pixels of the picture.
        scores: float32 (B, M).
        labels: int64 (B, M).
        class_scores: float32 (B, M, C), of R-CNN heads alone: every class's score for that box.
    """

    def __init__(self, pixels: Pixels, body: nn.Module, neck: nn.Module, heads: nn.Module) -> None:
        super().__init__()
        self.pixels, self.body, self.neck, self.heads = pixels, body, neck, heads

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what ``forward`` returns."""
        names = ("boxes", "scores", "labels", "class_scores")
        return names if isinstance(self.heads, TwoStage) else names[:3]

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """See the class."""
        prepared = self.pixels(images)
        return self.heads(self.neck(self.body(prepared.inputs)), prepared)


def graph_of(model: Any, pipeline: Sequence[Mapping[str, Any]]) -> Graph:
    """Return the graph of a detector, which shares its weights (of a backbone with open "same"
    padding it holds a copy).

    Args:
        model: as ``inference.build.build_network`` returns it.
        pipeline: its test pipeline, as settings.

    Raises:
        FishdetError: a part that has no graph.
    """
    require_supported(model)
    pixels = Pixels(pipeline, model.data_preprocessor)
    heads: nn.Module
    if type(model).__name__ in ONE_STAGE:
        heads = OneStage(model.bbox_head, model.test_cfg)
    else:
        heads = TwoStage(model.rpn_head, model.roi_head, model.test_cfg.rpn, model.test_cfg.rcnn)
    neck = model.neck if getattr(model, "neck", None) is not None else nn.Identity()
    body = with_fixed_padding(model.backbone, pixels.divisor)
    return Graph(pixels, body, neck, heads).to(torch.float32).eval()
