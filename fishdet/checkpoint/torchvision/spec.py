"""What torchvision has to compute to give a detector of mmdet's results, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from fishdet.errors import FishdetError

EVERY = 2**31 - 1
DEPTHS = (18, 34, 50, 101, 152)
# Read from the built parts, so that their own defaults count too. Parts of other types are
# refused: a subclass may compute anything.
NEEDED: dict[str, tuple[Any, ...]] = {
    "": ("FasterRCNN",),
    "backbone": ("ResNet",),
    "backbone.depth": DEPTHS,
    "backbone.style": ("pytorch",),
    "backbone.strides": ((1, 2, 2, 2),),
    "backbone.dilations": ((1, 1, 1, 1),),
    "backbone.out_indices": ((0, 1, 2, 3),),
    "backbone.base_channels": (64,),
    "backbone.deep_stem": (False,),
    "backbone.avg_down": (False,),
    "backbone.dcn": (None,),
    "backbone.plugins": (None,),
    "neck": ("FPN",),
    "neck.start_level": (0,),
    "neck.num_outs": (5,),
    "neck.add_extra_convs": (False,),
    "neck.no_norm_on_lateral": (False,),
    "neck.upsample_cfg": ({"mode": "nearest"},),
    "rpn_head": ("RPNHead",),
    "rpn_head.use_sigmoid_cls": (True,),
    "rpn_head.prior_generator": ("AnchorGenerator", "TorchvisionAnchorGenerator"),
    "rpn_head.bbox_coder": ("DeltaXYWHBBoxCoder", "TorchvisionBBoxCoder"),
    "rpn_head.bbox_coder.stds": ((1, 1, 1, 1),),
    "rpn_head.bbox_coder.means": ((0, 0, 0, 0),),
    "rpn_head.test_cfg.nms.type": ("nms",),
    "roi_head": ("StandardRoIHead",),
    "roi_head.with_mask": (False,),
    "roi_head.bbox_roi_extractor": (
        "SingleRoIExtractor",
        "MultiLevelRoIExtractor",
        "TorchvisionRoIExtractor",
    ),
    "roi_head.bbox_head": (
        "ConvFCBBoxHead",
        "Shared2FCBBoxHead",
        "Shared4Conv1FCBBoxHead",
        "TorchvisionBBoxHead",
    ),
    "roi_head.bbox_head.with_avg_pool": (False,),
    "roi_head.bbox_head.custom_cls_channels": (False,),
    "roi_head.bbox_head.bbox_coder": ("DeltaXYWHBBoxCoder", "TorchvisionBBoxCoder"),
    "roi_head.bbox_head.bbox_coder.means": ((0, 0, 0, 0),),
    "roi_head.test_cfg.nms.type": ("nms",),
    "data_preprocessor": ("DetDataPreprocessor",),
    "data_preprocessor._channel_conversion": (True,),
    "data_preprocessor._enable_normalize": (True,),
    "data_preprocessor.pad_value": (0,),
}
_PASSIVE = ("LoadImageFrom", "LoadAnnotations", "PackDetInputs")


def torchvision_spec(model: Any, pipeline: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what ``standalone.build`` takes, JSON data; the classes' names are left to add.

    Args:
        model: a built detector of mmdet.
        pipeline: the transforms of its test pictures.

    Raises:
        FishdetError: names each setting that torchvision's Faster R-CNN has not.
    """
    faults = [*_faults(model), *_pipeline_faults(pipeline)]
    if faults:
        listed = "\n  ".join(faults)
        raise FishdetError(
            f"torchvision has no model that computes the same; what it has not:\n  {listed}"
        )
    rpn, head = model.rpn_head, model.roi_head.bbox_head
    return {
        "picture": _picture(model.data_preprocessor, pipeline),
        "backbone": _backbone(model),
        "anchors": _anchors(rpn.prior_generator),
        "rpn": {"convs": rpn.num_convs, "min_size": _min_size(rpn.test_cfg)},
        "bounded_deltas": type(rpn.bbox_coder).__name__ != "TorchvisionBBoxCoder",
        "pooling": _pooling(model.roi_head.bbox_roi_extractor),
        "head": _head(head),
        "limits": _limits(rpn.test_cfg, model.roi_head.test_cfg),
    }


def _faults(model: Any) -> list[str]:
    faults: dict[str, str] = {}
    for path, allowed in NEEDED.items():
        found = _value(model, path)
        if found not in allowed and path.rpartition(".")[0] not in faults and "" not in faults:
            faults[path] = f"{path or 'model'}: {found} (it has {' or '.join(map(str, allowed))})"
    return list(faults.values()) or _odd_pairs(model)


def _odd_pairs(model: Any) -> list[str]:
    """Each part has a counterpart; these go only together."""
    roi, coders = model.roi_head, {type(model.rpn_head.bbox_coder)}
    faults = []
    if len(coders | {type(roi.bbox_head.bbox_coder)}) > 1:
        faults.append("bbox_coder: of two kinds in RPN and RoI head")
    layers = {
        (layer.pool_mode, type(layer).__name__) for layer in roi.bbox_roi_extractor.roi_layers
    }
    if layers != {("avg", "RoIAlign")}:
        faults.append(f"roi_head.bbox_roi_extractor.roi_layer: {layers} (it has RoIAlign of means)")
    extractor = roi.bbox_roi_extractor
    native = type(extractor).__name__ == "TorchvisionRoIExtractor"
    if native and (extractor.roi_layers[0].aligned or extractor.finest_scale != 56):
        faults.append("TorchvisionRoIExtractor: with aligned=True or another finest_scale than 56")
    head = roi.bbox_head
    if head.num_cls_convs + head.num_cls_fcs + head.num_reg_convs + head.num_reg_fcs:
        faults.append("roi_head.bbox_head: layers of its own for classes or boxes")
    return faults


def _pipeline_faults(pipeline: Sequence[Mapping[str, Any]]) -> list[str]:
    steps = [step for step in pipeline if not _is_passive(step)]
    sized = [step for step in steps if _kind(step) in ("Resize", "TorchvisionResize")]
    faults = [f"test pipeline: {_kind(step)}" for step in steps if step not in sized]
    if len(sized) != 1:
        return [*faults, f"test pipeline: {len(sized)} Resize steps (it has one)"]
    strange = set(sized[0]) - {"type", "scale", "keep_ratio", "backend"}
    return faults + [f"test pipeline: Resize with {name}" for name in sorted(strange)]


def _value(model: Any, path: str) -> Any:
    for name in path.split(".") if path else ():
        model = model.get(name) if isinstance(model, Mapping) else getattr(model, name, None)
    if isinstance(model, list | tuple):
        return tuple(model)
    plain = isinstance(model, str | int | float | bool | Mapping | None)
    return model if plain else type(model).__name__


def _picture(preprocessor: Any, pipeline: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    step = next(step for step in pipeline if "Resize" in _kind(step))
    native = _kind(step) == "TorchvisionResize"
    keeps = native or step.get("keep_ratio", False)
    scale = tuple(step["scale"])
    mean, std = (
        [value / 255 for value in getattr(preprocessor, name).flatten().tolist()]
        for name in ("mean", "std")
    )
    sizes = {
        "min_size": min(scale),
        "max_size": max(scale),
        "size_divisible": preprocessor.pad_size_divisor,
        "fixed_size": None if keeps else list(scale),
    }
    return {"sizes": sizes, "mean": mean, "std": std, "whole_pixels": not native}


def _backbone(model: Any) -> dict[str, Any]:
    norm = next(m for m in model.backbone.modules() if isinstance(m, nn.BatchNorm2d))
    return {
        "depth": model.backbone.depth,
        "bn_eps": norm.eps,
        "channels": model.neck.out_channels,
        "fpn_norm_eps": _norm_eps(model.neck),
    }


def _anchors(generator: Any) -> dict[str, Any]:
    if type(generator).__name__ == "TorchvisionAnchorGenerator":
        scales = generator.scales.tolist()
        sizes = [[base * scale for scale in scales] for base in generator.base_sizes]
        return {"sizes": sizes, "ratios": generator.ratios.tolist()}
    cells = [base.tolist() for base in generator.base_anchors]
    return {"cells": cells, "strides": [stride[0] for stride in generator.strides]}


def _pooling(extractor: Any) -> dict[str, Any]:
    layer = extractor.roi_layers[0]
    spec = {"size": layer.output_size[0], "sampling_ratio": layer.sampling_ratio}
    if type(extractor).__name__ == "TorchvisionRoIExtractor":
        return spec
    return spec | {
        "aligned": layer.aligned,
        "finest_scale": extractor.finest_scale,
        "strides": list(extractor.featmap_strides),
    }


def _head(head: Any) -> dict[str, Any]:
    return {
        "convs": [head.conv_out_channels] * head.num_shared_convs,
        "fcs": [head.fc_out_channels] * head.num_shared_fcs,
        "norm_eps": _norm_eps(head),
        "classes": head.num_classes,
        "box_weights": [1 / std for std in head.bbox_coder.stds],
    }


def _limits(rpn: Mapping[str, Any], rcnn: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "rpn_pre_nms_top_n_test": _number(rpn.get("nms_pre", -1)),
        "rpn_post_nms_top_n_test": _number(rpn["max_per_img"]),
        "rpn_nms_thresh": rpn["nms"]["iou_threshold"],
        "box_score_thresh": rcnn["score_thr"],
        "box_nms_thresh": rcnn["nms"]["iou_threshold"],
        "box_detections_per_img": _number(rcnn["max_per_img"]),
    }


def _min_size(rpn: Mapping[str, Any]) -> float:
    """mmdet keeps what is larger than a limit, torchvision what is not smaller."""
    least = float(rpn.get("min_bbox_size", -1))
    return 0.0 if least < 0 else max(least, 1e-6)


def _norm_eps(part: nn.Module) -> float | None:
    norms = {m.eps for m in part.modules() if isinstance(m, nn.BatchNorm2d)}
    return max(norms) if norms else None


def _number(limit: int) -> int:
    return limit if limit > 0 else EVERY


def _kind(step: Mapping[str, Any]) -> str:
    return str(step["type"]).rpartition(".")[2]


def _is_passive(step: Mapping[str, Any]) -> bool:
    return _kind(step).startswith(_PASSIVE)
