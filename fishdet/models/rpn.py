"""A region proposal network at the speed that a CPU allows, with the same answers."""

from __future__ import annotations

import copy
from typing import Any

from mmdet.models import RPNHead
from torch import Tensor

from tvops.sparse_gradient import SparseGradientConv2d, takes_sparse_gradients
from tvops.winograd import Fewest, takes_winograd


def arrange_rpn(model: Any, *, training: bool, fewest: Fewest | None = None) -> None:
    """Let the RPN of a detector on the CPU save what decides nothing, in place.

    - Boxes of different levels never suppress one another. mmcv's ``batched_nms`` moves them
      apart and compares all with all; with ``split_thr`` it compares within each level, which is
      a third of the pairs.
    - Of each level the best ``nms_pre`` anchors go on. mmdet sorts all of them for that.
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
    head.test_cfg = _by_level(head.test_cfg)
    if model.train_cfg is not None and model.train_cfg.get("rpn_proposal"):
        model.train_cfg = copy.copy(model.train_cfg)  # the config's own, which is written down
        model.train_cfg.rpn_proposal = _by_level(model.train_cfg.rpn_proposal)
    conv: Any = getattr(head, "rpn_conv", None)
    if training and takes_sparse_gradients(conv):
        if fewest is not None and takes_winograd(conv, fewest):
            conv.fewest_tiles = fewest.tiles
        conv.__class__ = SparseGradientConv2d


class _PickingRPNHead(RPNHead):  # type: ignore[misc]  # mmdet is not typed
    """mmdet's head that is given the best anchors of each level alone."""

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


def _by_level(cfg: Any) -> Any:
    cfg = copy.deepcopy(cfg)
    if cfg is not None and cfg.get("nms"):
        cfg.nms.setdefault("split_thr", 1)
    return cfg
