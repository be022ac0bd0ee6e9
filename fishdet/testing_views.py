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
LEAST, MOST = 0.25, 4
_STEP = 32  # pixels; what a picture is padded to anyway


def add_views(cfg: Config, sizes: Sequence[float] = ()) -> str:
    """Let the model see each test picture in ``sizes``, as it is and mirrored.

    A config's own ``tta_model`` and ``tta_pipeline`` (mmdet's names) go before this.

    Args:
        cfg: changed in place.
        sizes: of the config's picture size; none for that size alone.

    Returns:
        What is done, in words; ``cfg.test_views`` has them too.

    Raises:
        FishdetError: a size is out of its range, two are the same in pixels, no transform of the
            test pipeline resizes, or the config says itself which views there are.
    """
    if not all(LEAST <= size <= MOST for size in sizes):
        raise FishdetError(
            f"--tta-scales {' '.join(f'{size:g}' for size in sizes)}: give factors of the trained "
            f"size from {LEAST} to {MOST}"
        )
    given, fusion = cfg.get("tta_pipeline"), cfg.get("tta_model")
    if given and sizes:
        raise FishdetError(
            "--tta-scales: the config says by its tta_pipeline which views there are; leave the "
            "one or the other out"
        )
    cfg.model = ConfigDict(**(fusion or deepcopy(FUSION)), module=cfg.model)
    shown = ""
    for dataset in nested_dicts(cfg.test_dataloader):
        if "pipeline" in dataset and given:
            dataset["pipeline"] = given
        elif "pipeline" in dataset:
            dataset["pipeline"], scales = _with_views(dataset["pipeline"], sizes or (1.0,))
            shown = ", ".join("×".join(map(str, scale)) for scale in scales)
    cfg.test_views = (
        "each picture is seen by the config's tta_pipeline"
        if given
        else f"each picture is seen at {shown} px, as it is and mirrored"
    ) + f" ({cfg.model.type})"
    return str(cfg.test_views)


def _with_views(
    pipeline: Sequence[Mapping[str, Any]], sizes: Sequence[float]
) -> tuple[list[dict[str, Any]], list[tuple[int, ...]]]:
    """Return the pipeline with its resizing done once for each size and flip, and the sizes."""
    *steps, pack = map(dict, pipeline)
    at = next((i for i, s in enumerate(steps) if "Resize" in s["type"] and "scale" in s), None)
    if at is None:
        raise FishdetError(
            "the test pipeline of this config resizes nothing, so that its pictures have no other "
            "sizes to be seen in; give the config a tta_pipeline"
        )
    resize = steps[at]
    scales = [_scaled(resize["scale"], size) for size in sizes]
    if len(set(scales)) < len(scales):
        raise FishdetError(
            f"--tta-scales {' '.join(f'{size:g}' for size in sizes)}: in steps of {_STEP} px these "
            f"are {', '.join('×'.join(map(str, scale)) for scale in scales)}; name each size once"
        )
    if "meta_keys" in pack:  # mmdet's own have the flips
        pack = dict(pack, meta_keys=(*pack["meta_keys"], *_FLIP_KEYS))
    views = dict(
        type="TestTimeAug",
        transforms=[
            [dict(resize, scale=scale) for scale in scales],
            _FLIPS,
            *([step] for step in steps[at + 1 :]),
            [pack],
        ],
    )
    return [*steps[:at], deepcopy(views)], scales


def _scaled(scale: Sequence[int], factor: float) -> tuple[int, ...]:
    if factor == 1:
        return tuple(scale)
    return tuple(max(_STEP, round(side * factor / _STEP) * _STEP) for side in scale)
