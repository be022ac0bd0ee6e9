"""What torchvision's Faster R-CNN computes and no setting of mmdet's parts can.

Each class differs from its parent in one thing, so that weights of one serve the other to the
last detection; ``fishdet.checkpoint.torchvision.config`` puts them together. Read in torchvision
0.29.1 (https://github.com/pytorch/vision/tree/main/torchvision/models/detection, 2026-11-25).
"""

from __future__ import annotations

import math
from typing import Any

import mmcv
import torch
from mmdet.datasets.transforms import Resize
from mmdet.models.roi_heads.bbox_heads import ConvFCBBoxHead
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from mmdet.models.task_modules.prior_generators import AnchorGenerator
from mmdet.registry import MODELS, TASK_UTILS, TRANSFORMS
from mmengine.structures import InstanceData
from torch import Tensor

from .roi_extractor import MultiLevelRoIExtractor

NO_LOWER_BOUND = 1e-30  # exp(-69) of a side: no box of a picture notices
SMALLEST_SIDE = 1e-2


@TASK_UTILS.register_module()
class TorchvisionAnchorGenerator(AnchorGenerator):
    """Anchors with corners rounded to whole pixels, at strides that follow the picture.

    torchvision divides the padded picture's sides by the map's and rounds down: the coarsest map
    of a picture 800 high has 13 rows, which then lie 61 pixels apart and not 64. The first map's
    stride is exact, as sides are padded to multiples of 32.
    """

    def gen_single_level_base_anchors(self, *args: Any, **kwargs: Any) -> Tensor:
        """Return the anchors (A, 4) of one cell, in whole pixels."""
        return super().gen_single_level_base_anchors(*args, **kwargs).round()

    def grid_priors(
        self,
        featmap_sizes: list[tuple[int, int]],
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cuda",
    ) -> list[Tensor]:
        """Return the anchors (H·W·A, 4) of each map; ``featmap_sizes`` are (H, W)."""
        width, height = (
            side * stride
            for side, stride in zip(reversed(featmap_sizes[0]), self.strides[0], strict=True)
        )
        levels = []
        for (rows, columns), base in zip(featmap_sizes, self.base_anchors, strict=True):
            y = torch.arange(rows, device=device).to(dtype) * (height // rows)
            x = torch.arange(columns, device=device).to(dtype) * (width // columns)
            y, x = (part.flatten() for part in torch.meshgrid(y, x, indexing="ij"))
            shifts = torch.stack([x, y, x, y], dim=-1)
            levels.append((shifts[:, None] + base.to(device, dtype)).view(-1, 4))
        return levels


@TASK_UTILS.register_module()
class TorchvisionBBoxCoder(DeltaXYWHBBoxCoder):
    """Bounds how much a box may grow, and not how much it may shrink, where mmdet bounds both."""

    def decode(
        self,
        bboxes: Tensor,
        pred_bboxes: Tensor,
        max_shape: Any = None,
        wh_ratio_clip: float = 16 / 1000,
    ) -> Tensor:
        """Return boxes (N, 4) or (N, C·4) of deltas of that shape; see mmdet's coder."""
        deltas = pred_bboxes.reshape(-1, 4)
        most = abs(math.log(wh_ratio_clip)) / deltas.new_tensor(self.stds[2:])
        deltas = torch.cat([deltas[:, :2], torch.minimum(deltas[:, 2:], most)], dim=1)
        return super().decode(bboxes, deltas.view_as(pred_bboxes), max_shape, NO_LOWER_BOUND)


@MODELS.register_module()
class TorchvisionRoIExtractor(MultiLevelRoIExtractor):
    """Adds the 1e-6 of the level's formula after the logarithm, where mmdet adds it before.

    A RoI a millionth short of a level's limit would be pooled from the map below, and give other
    scores.
    """

    def map_roi_levels(self, rois: Tensor, num_levels: int) -> Tensor:
        """Return the level (R,) int64 of RoIs (R, 5)."""
        scale = torch.sqrt((rois[:, 3] - rois[:, 1]) * (rois[:, 4] - rois[:, 2]))
        levels = torch.floor(4 + torch.log2(scale / (4 * self.finest_scale)) + 1e-6)
        return levels.clamp(min=2, max=num_levels + 1).long() - 2


@MODELS.register_module()
class TorchvisionBBoxHead(ConvFCBBoxHead):
    """Drops detections with a side below 0.01 pixels of the network's picture; mmdet keeps them.

    Boxes that lie outside the picture become such when they are cut to it.
    """

    def _predict_by_feat_single(
        self,
        roi: Tensor,
        cls_score: Tensor,
        bbox_pred: Tensor,
        img_meta: dict,
        rescale: bool = False,
        rcnn_test_cfg: Any = None,
    ) -> InstanceData:
        parts = (roi, cls_score, bbox_pred, img_meta, rescale)
        if rcnn_test_cfg is None:
            return super()._predict_by_feat_single(*parts)
        every = type(rcnn_test_cfg)({**rcnn_test_cfg, "max_per_img": -1})
        found = super()._predict_by_feat_single(*parts, every)
        sides = found.bboxes[:, 2:] - found.bboxes[:, :2]
        if rescale:
            sides = sides * sides.new_tensor(img_meta["scale_factor"])
        return found[(sides >= SMALLEST_SIDE).all(dim=1)][: rcnn_test_cfg.max_per_img]


@TRANSFORMS.register_module()
class TorchvisionResize(Resize):
    """Rounds the new sides down, where mmdet rounds to the nearest; ``keep_ratio`` is always so.

    After ``LoadImageFromFile(to_float32=True)`` pixels are interpolated unrounded too.
    """

    def _resize_img(self, results: dict) -> None:
        height, width = results["img"].shape[:2]
        scale = min(min(self.scale) / min(height, width), max(self.scale) / max(height, width))
        size = (math.floor(float(width) * scale), math.floor(float(height) * scale))
        results["img"] = mmcv.imresize(results["img"], size, backend=self.backend)
        results["img_shape"] = results["img"].shape[:2]
        results["scale_factor"] = (size[0] / width, size[1] / height)
        results["keep_ratio"] = True
