"""What a config sets on a GPU and nowhere else; written for CUDA, not measured yet.

Mixed precision is the user's choice (``--amp``, ``--precision``), and weights lie in channels_last
(``fishdet.models.arrangement``). The settings here change no number but for the order in which a
fused optimiser rounds.
"""

from __future__ import annotations

from mmengine.config import Config, ConfigDict

FUSED = ("SGD", "Adam", "AdamW")
"""Optimisers of which torch has a fused step on CUDA: one kernel for all weights."""
AHEAD = 4
"""Batches that each loader worker keeps ready, where the config says nothing; torch's own are 2."""


def set_cuda(cfg: Config, loaders: tuple[str, ...]) -> None:
    """Set how batches reach the GPU and how the optimiser steps; what the config says stays.

    Pinned memory is copied while the GPU computes, which takes copies that do not block.

    Args:
        cfg: the config of a training, changed in place.
        loaders: the names of its loaders.
    """
    for name in loaders:
        if cfg.get(name) is not None:
            _keep_ahead(cfg[name])
    preprocessor = cfg.model.get("data_preprocessor")
    if preprocessor is not None:
        preprocessor.setdefault("non_blocking", True)
    optimizer = (cfg.get("optim_wrapper") or {}).get("optimizer")
    if optimizer is not None and optimizer.get("type") in FUSED and not _otherwise(optimizer):
        optimizer.setdefault("fused", True)


def _keep_ahead(loader: ConfigDict) -> None:
    loader.setdefault("pin_memory", True)
    if loader.get("num_workers"):
        loader.setdefault("prefetch_factor", AHEAD)


def _otherwise(optimizer: ConfigDict) -> bool:
    """Whether another kind of step is asked for, which torch takes with no fused one."""
    return any(optimizer.get(name) for name in ("foreach", "differentiable"))
