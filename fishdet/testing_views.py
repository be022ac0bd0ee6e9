"""Test-time augmentation: a picture is seen in several sizes and mirrored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from mmengine.config import Config, ConfigDict

from fishdet.config import nested_dicts
from fishdet.errors import FishdetError

FUSION = dict(type="FusedViewsTTA", tta_cfg=dict(iou_thr=0.55, max_per_img=100))
_FLIPS = [dict(type="RandomFlip", prob=0.0), dict(type="RandomFlip", prob=1.0)]
_FLIP_KEYS = ("flip", "flip_direction")
_STEP = 32  # pixels; what a picture is padded to anyway


def add_views(cfg: Config, sizes: Sequence[float] = (1.0,)) -> None:
    """Let the model see each test picture in ``sizes``, as it is and mirrored.

    A config's own ``tta_model`` and ``tta_pipeline`` (mmdet's names) go before this.

    Args:
        cfg: changed in place.
        sizes: of the config's picture size.

    Raises:
        FishdetError: a size is not above 0, or no transform of the test pipeline resizes.
    """
    if not sizes or not all(0 < size <= 4 for size in sizes):
        raise FishdetError(f"sizes of views: {list(sizes)}; give factors above 0, up to 4")
    cfg.model = ConfigDict(**cfg.get("tta_model", deepcopy(FUSION)), module=cfg.model)
    given = cfg.get("tta_pipeline")
    for dataset in nested_dicts(cfg.test_dataloader):
        if "pipeline" in dataset:
            dataset["pipeline"] = given or _with_views(dataset["pipeline"], sizes)


def _with_views(
    pipeline: Sequence[Mapping[str, Any]], sizes: Sequence[float]
) -> list[dict[str, Any]]:
    """Return the pipeline with its resizing done once for each size and flip."""
    *steps, pack = map(dict, pipeline)
    at = next((i for i, s in enumerate(steps) if "Resize" in s["type"] and "scale" in s), None)
    if at is None:
        raise FishdetError(
            "the test pipeline of this config resizes nothing, so that its pictures have no other "
            "sizes to be seen in; give the config a tta_pipeline"
        )
    resize = steps[at]
    if "meta_keys" in pack:  # mmdet's own have the flips
        pack = dict(pack, meta_keys=(*pack["meta_keys"], *_FLIP_KEYS))
    views = dict(
        type="TestTimeAug",
        transforms=[
            [dict(resize, scale=_scaled(resize["scale"], size)) for size in sizes],
            _FLIPS,
            *([step] for step in steps[at + 1 :]),
            [pack],
        ],
    )
    return [*steps[:at], deepcopy(views)]


def _scaled(scale: Sequence[int], factor: float) -> tuple[int, ...]:
    if factor == 1:
        return tuple(scale)
    return tuple(max(_STEP, round(side * factor / _STEP) * _STEP) for side in scale)
