"""A region proposal network at the speed that a CPU allows, with the same answers."""

from __future__ import annotations

import copy
from typing import Any

from tvops.sparse_gradient import SparseGradientConv2d, takes_sparse_gradients
from tvops.winograd import Fewest, takes_winograd


def arrange_rpn(model: Any, *, training: bool, fewest: Fewest | None = None) -> None:
    """Let the RPN of a detector on the CPU save what decides nothing, in place.

    - Boxes of different levels never suppress one another. mmcv's ``batched_nms`` moves them
      apart and compares all with all; with ``split_thr`` it compares within each level, which is
      a third of the pairs.
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
    head.test_cfg = _by_level(head.test_cfg)
    if model.train_cfg is not None and model.train_cfg.get("rpn_proposal"):
        model.train_cfg = copy.copy(model.train_cfg)  # the config's own, which is written down
        model.train_cfg.rpn_proposal = _by_level(model.train_cfg.rpn_proposal)
    conv: Any = getattr(head, "rpn_conv", None)
    if training and takes_sparse_gradients(conv):
        if fewest is not None and takes_winograd(conv, fewest):
            conv.fewest_tiles = fewest.tiles
        conv.__class__ = SparseGradientConv2d


def _by_level(cfg: Any) -> Any:
    cfg = copy.deepcopy(cfg)
    if cfg is not None and cfg.get("nms"):
        cfg.nms.setdefault("split_thr", 1)
    return cfg
