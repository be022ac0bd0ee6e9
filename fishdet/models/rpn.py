"""A region proposal network at the speed that a CPU allows, with the same answers."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from mmdet.models import RPNHead
from torch import Tensor

from tvops.nms import best_nms
from tvops.sparse_gradient import SparseGradientConv2d, takes_sparse_gradients
from tvops.winograd import Fewest, takes_winograd


def arrange_rpn(model: Any, *, training: bool, fewest: Fewest | None = None) -> None:
    """Let the RPN of a detector on the CPU save what decides nothing, in place.

    - Of each level the best ``nms_pre`` anchors go on. mmdet sorts all of them for that.
    - Both last layers read features, in float32, as one.
    - Suppression ends once there are as many proposals as are asked for
      (:func:`tvops.nms.best_nms`). mmdet compares all boxes and drops the rest.
    - The gradient of its 3×3 convolution is zero but for the sampled anchors
      (:mod:`tvops.sparse_gradient`).

    Args:
        model: an mmdet detector; one without RPN stays as it is.
        training: whether gradients will be asked for.
        fewest: from which size on Winograd's algorithm pays on this machine, if at all.
    """
    head = getattr(model, "rpn_head", None)
    if head is None:
        return
    if type(head) is RPNHead:
        head.__class__ = _PickingRPNHead
    conv: Any = getattr(head, "rpn_conv", None)
    if training and takes_sparse_gradients(conv):
        if fewest is not None and takes_winograd(conv, fewest):
            conv.fewest_tiles = fewest.tiles
        conv.__class__ = SparseGradientConv2d


class _PickingRPNHead(RPNHead):  # type: ignore[misc]  # mmdet is not typed
    """mmdet's head that takes the best anchors of each level and suppresses until it has enough."""

    def forward_single(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the maps of one level.

        Args:
            x: features (B, C, H, W).

        Returns:
            Scores (B, A, H, W) and deltas (B, A * 4, H, W).
        """
        if torch.is_grad_enabled() or self.training or not self._is_plain():
            x = F.relu(self.rpn_conv(x), inplace=not torch.is_grad_enabled())
            return self.rpn_cls(x), self.rpn_reg(x)
        held = hasattr(self.rpn_conv, "packing")  # see fishdet.inference.held
        x = self.rpn_conv(x, relu=True) if held else F.relu_(self.rpn_conv(x))
        last = (self.rpn_cls, self.rpn_reg)
        weight, bias = (
            torch.cat([getattr(layer, name) for layer in last]) for name in ("weight", "bias")
        )
        with torch.autocast(x.device.type, enabled=False):
            maps = F.conv2d(x.float(), weight, bias)
        scores, deltas = maps.split([layer.out_channels for layer in last], dim=1)
        return scores, deltas

    def _is_plain(self) -> bool:
        """Whether nobody looks at a layer, and the last ones are as mmdet builds them and predict
        in float32."""
        layers = (self.rpn_conv, self.rpn_cls, self.rpn_reg)
        return all(
            getattr(layer, "in_full", False)
            and layer.kernel_size == (1, 1)
            and layer.bias is not None
            for layer in layers[1:]
        ) and not any(layer._forward_hooks or layer._forward_pre_hooks for layer in layers)

    def _predict_by_feat_single(
        self,
        cls_score_list: list[Tensor],
        bbox_pred_list: list[Tensor],
        score_factor_list: list[Tensor],
        mlvl_priors: list[Tensor],
        img_meta: dict[str, Any],
        cfg: Any,
        rescale: bool = False,
        with_nms: bool = True,
    ) -> Any:
        """Propose regions of one picture.

        Args:
            cls_score_list: of each level (A, H, W).
            bbox_pred_list: of each level (A * 4, H, W).
            score_factor_list: not used.
            mlvl_priors: of each level (H * W * A, 4).
            img_meta: of the picture.
            cfg: of the proposals; None for ``test_cfg``.
            rescale: as mmdet's.
            with_nms: as mmdet's.

        Returns:
            Proposals as mmdet's head gives them.
        """
        most = (self.test_cfg if cfg is None else cfg).get("nms_pre", -1)
        if self.use_sigmoid_cls:
            levels = zip(cls_score_list, bbox_pred_list, mlvl_priors, strict=True)
            picked = [_best(*level, most) for level in levels]
            cls_score_list, bbox_pred_list, mlvl_priors = map(list, zip(*picked, strict=True))
        return super()._predict_by_feat_single(
            cls_score_list, bbox_pred_list, score_factor_list, mlvl_priors, img_meta, cfg,
            rescale, with_nms,
        )  # fmt: skip

    def _bbox_post_process(self, results: Any, cfg: Any, *args: Any, **kwargs: Any) -> Any:
        """Suppress as mmdet does, where that is plain NMS with an end.

        Args:
            results: boxes (N, 4), scores and levels (N,) of one picture.
            cfg: of the proposals; the caller's own copy.
            args: as mmdet's.
            kwargs: as mmdet's.

        Returns:
            Proposals as mmdet's head gives them.
        """
        plain = set(cfg.nms) <= {"type", "iou_threshold"} and cfg.nms.get("type", "nms") == "nms"
        if plain and cfg.max_per_img > 0 and results.scores.device.type == "cpu":
            # a type that is no name is called as it is; mmcv moves the levels apart before
            cfg.nms = dict(cfg.nms, type=_first, max_num=cfg.max_per_img, split_thr=math.inf)
        return super()._bbox_post_process(results, cfg, *args, **kwargs)


_PickingRPNHead.__name__ = RPNHead.__name__  # by which exports know what they can write


def _best(
    scores: Tensor, deltas: Tensor, priors: Tensor, most: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the ``most`` anchors of the highest score, best first, as maps of one column."""
    if not 0 < most < scores.numel():
        return scores, deltas, priors
    best, at = scores.permute(1, 2, 0).flatten().topk(most)
    chosen = deltas.permute(1, 2, 0).reshape(len(priors), -1)[at]
    return best.view(1, -1, 1), chosen.t().unsqueeze(-1), priors[at]


def _first(
    boxes: Tensor, scores: Tensor, iou_threshold: float, max_num: int
) -> tuple[Tensor, Tensor]:
    """mmcv's ``nms``, which compares all before it drops those beyond ``max_num``."""
    kept = best_nms(boxes, scores, iou_threshold, max_num)
    return torch.cat([boxes[kept], scores[kept, None]], 1), kept
