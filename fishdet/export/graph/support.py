"""Which models an exported graph computes as mmdet does; the rest is refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fishdet.errors import FishdetError

TWO_STAGE = ("FasterRCNN", "CascadeRCNN")
ONE_STAGE = ("RetinaNet", "FCOS", "ATSS", "RTMDet", "SingleStageDetector")
_HEADS = ("RetinaHead", "FCOSHead", "ATSSHead", "RTMDetHead", "RTMDetSepBNHead")
_BOX_HEADS = ("Shared2FCBBoxHead", "Shared4Conv1FCBBoxHead", "ConvFCBBoxHead", "BBoxHead")
_EXTRACTORS = ("SingleRoIExtractor", "MultiLevelRoIExtractor")
_PRIORS = ("AnchorGenerator", "MlvlPointGenerator")
_CODERS = ("DeltaXYWHBBoxCoder", "DistancePointBBoxCoder")


def require_supported(model: Any) -> None:
    """Look at every part that decides about boxes.

    Raises:
        FishdetError: names the part, what it is, and what would do.
    """
    for part, value, known in _parts(model):
        name = type(value).__name__
        if name not in known:
            raise FishdetError(f"export: {part} is {name}, which has no graph; {_or(known)} have")
    for part, cfg in _settings(model):
        kind = (cfg.get("nms") or {}).get("type", "nms")
        if kind != "nms":
            raise FishdetError(f"export: {part}.nms.type {kind!r} has no graph; 'nms' has")
    for part, head in _dense_heads(model):
        if not getattr(head, "use_sigmoid_cls", True):
            raise FishdetError(f"export: {part} with softmax scores has no graph; sigmoid has")


def _parts(model: Any) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    yield "model", model, (*TWO_STAGE, *ONE_STAGE)
    if type(model).__name__ in ONE_STAGE:
        yield "bbox_head", model.bbox_head, _HEADS
    else:
        yield "rpn_head", model.rpn_head, ("RPNHead",)
        yield "roi_head", model.roi_head, ("StandardRoIHead", "CascadeRoIHead")
        for stage, head in enumerate(_listed(model.roi_head.bbox_head)):
            yield f"roi_head.bbox_head[{stage}]", head, _BOX_HEADS
            yield f"roi_head.bbox_head[{stage}].bbox_coder", head.bbox_coder, _CODERS[:1]
        for stage, part in enumerate(_listed(model.roi_head.bbox_roi_extractor)):
            yield f"roi_head.bbox_roi_extractor[{stage}]", part, _EXTRACTORS
            yield "roi_layer", part.roi_layers[0], ("RoIAlign",)
    for name, head in _dense_heads(model):
        yield f"{name}.prior_generator", head.prior_generator, _PRIORS
        yield f"{name}.bbox_coder", head.bbox_coder, _CODERS


def _settings(model: Any) -> Iterator[tuple[str, Any]]:
    if type(model).__name__ in ONE_STAGE:
        yield "test_cfg", model.test_cfg
    else:
        yield "test_cfg.rpn", model.test_cfg.rpn
        yield "test_cfg.rcnn", model.test_cfg.rcnn


def _dense_heads(model: Any) -> Iterator[tuple[str, Any]]:
    names = ("bbox_head", "rpn_head")
    yield from ((name, getattr(model, name)) for name in names if hasattr(model, name))


def _listed(part: Any) -> list[Any]:
    return list(part) if hasattr(part, "__len__") else [part]


def _or(names: tuple[str, ...]) -> str:
    return ", ".join(names)
