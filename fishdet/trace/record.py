"""One picture through a Faster R-CNN, with every stage kept."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from mmdet.models.dense_heads import RPNHead
from mmdet.models.necks import FPN
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from torch import Tensor

from fishdet.errors import FishdetError
from fishdet.inference.boxes import Boxes
from fishdet.inference.detector import Detector
from fishdet.inference.inputs import ImageLike
from fishdet.inference.views import look

from .features import Caught, catching, upsampled
from .proposals import Proposals, propose
from .regions import Regions, classify, nothing


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """Every stage of one picture. Tensors are float32 on the detector's device.

    Attributes:
        image: the picture as it was given, uint8 BGR (H, W, 3).
        input: normalised and padded, (3, H', W').
        meta: img_shape (h, w inside the padding), scale_factor (x, y), mean, std, bgr_to_rgb.
        features: name → (C, H, W): C2 …, L2 … (laterals), U2 … (upsampled from above), S2 …
            (sums), P2 …; the number is log2 of the stride.
        objectness: name of the level → (A, H, W) before the sigmoid.
        offsets: name of the level → (4·A, H, W).
        level_names: the pyramid's levels, finest first.
        proposals, regions: the steps of RPN and RoI head.
        roi_features: (R, C, 7, 7).
        fcs: outputs of the fully connected layers, each (R, F).
        final: rows of ``regions.kept`` that the detector returns, best first.
        classes: names as trained; ``names``: in the detector's language.
        base_anchors: anchors of the place at the origin of each level, each (A, 4).
    """

    image: np.ndarray
    input: Tensor
    meta: dict[str, Any]
    features: dict[str, Tensor]
    objectness: dict[str, Tensor]
    offsets: dict[str, Tensor]
    level_names: tuple[str, ...]
    proposals: Proposals
    regions: Regions
    roi_features: Tensor
    fcs: tuple[Tensor, ...]
    final: np.ndarray
    classes: tuple[str, ...]
    names: tuple[str, ...]
    base_anchors: tuple[Tensor, ...]


def record(detector: Detector, image: ImageLike) -> Trace:
    """Run one picture, whole and once (no tiles, no mirror image), in fp32 and keep every stage.

    The end of each repeated step is compared with what the model itself gave.

    Args:
        detector: of a Faster R-CNN with FPN.
        image: as ``Detector`` takes it.

    Raises:
        FishdetError: the model is of another kind, or the image is not readable.
        RuntimeError: a repeated step differs from the model's own (an error in this package).
    """
    model = faster_rcnn_of(detector)
    pixels = detector.read(image)
    sample = detector.network.prepare(pixels)
    batch = {key: [sample[key]] for key in ("inputs", "data_samples")}
    with torch.no_grad(), catching(model) as caught:
        found = model.test_step(batch)[0]
        meta = found.metainfo
        proposals = propose(model.rpn_head, caught.rpn, meta)
        regions = _regions(model, caught, meta)
        maps = _features(model, caught)
    _compare(proposals, regions, found.pred_instances)
    strides = proposals.strides[:, 0].tolist()
    levels = tuple(f"P{round(math.log2(stride))}" for stride in strides)
    maps |= {level: one[0] for level, one in zip(levels, caught.neck, strict=False)}
    features = caught.roi_features
    assert caught.input is not None
    return Trace(
        image=pixels,
        input=caught.input[0],
        meta={
            "img_shape": tuple(meta["img_shape"][:2]),
            "scale_factor": tuple(map(float, meta["scale_factor"])),
            **_normalisation(model.data_preprocessor),
        },
        features=maps,
        objectness={level: one[0] for level, one in zip(levels, caught.rpn[0], strict=True)},
        offsets={level: one[0] for level, one in zip(levels, caught.rpn[1], strict=True)},
        level_names=levels,
        proposals=proposals,
        regions=regions,
        roi_features=regions.rois.new_zeros(0, 1, 7, 7) if features is None else features,
        fcs=tuple(caught.fcs[number] for number in sorted(caught.fcs)),
        final=_final(detector, pixels, regions),
        classes=detector.classes,
        names=detector.names,
        base_anchors=tuple(model.rpn_head.prior_generator.base_anchors),
    )


def faster_rcnn_of(detector: Detector) -> Any:
    """Return the network of a detector that is made as a Faster R-CNN with FPN.

    Raises:
        FishdetError: it is not, and which part tells; or the model was exported.
    """
    model: Any = getattr(detector.network, "model", None)
    if model is None:
        raise FishdetError(
            "an exported model shows no stages; name the checkpoint that it was exported from"
        )
    head: Any = getattr(model, "roi_head", None)
    parts = (
        ("neck", getattr(model, "neck", None), FPN),
        ("rpn_head", getattr(model, "rpn_head", None), RPNHead),
        ("roi_head", head, StandardRoIHead),
        ("roi_head.bbox_head", getattr(head, "bbox_head", None), BBoxHead),
    )
    for name, part, kind in parts:
        if not isinstance(part, kind):
            found = "none" if part is None else type(part).__name__
            raise FishdetError(
                f"the model is a {type(model).__name__} with {name} {found}; traces are drawn of "
                f"Faster R-CNN with FPN ({name} {kind.__name__})"
            )
    for name, cfg in (("rpn_head", model.rpn_head.test_cfg), ("roi_head", head.test_cfg)):
        if cfg.nms.get("type", "nms") != "nms":
            raise FishdetError(
                f"the model's {name} uses {cfg.nms.type}; traces are drawn of plain NMS (type nms)"
            )
    return model


def _features(model: Any, caught: Caught) -> dict[str, Tensor]:
    assert caught.input is not None
    width = caught.input.shape[-1]
    start = model.neck.start_level
    of = [round(math.log2(width / one.shape[-1])) for one in caught.backbone]
    maps = {f"C{n}": one[0] for n, one in zip(of, caught.backbone, strict=True)}
    groups = (
        ("L", caught.laterals), ("U", upsampled(model.neck, caught.sums)), ("S", caught.sums)
    )  # fmt: skip
    for letter, group in groups:
        maps |= {f"{letter}{of[start + level]}": one[0] for level, one in sorted(group.items())}
    return maps


def _regions(model: Any, caught: Caught, meta: dict[str, Any]) -> Regions:
    head = model.roi_head
    if caught.rois is None or caught.head is None:
        return nothing(head, caught.neck[0].device)
    extractor = head.bbox_roi_extractor
    levels = extractor.map_roi_levels(caught.rois, extractor.num_inputs)
    return classify(head, caught.rois, levels, caught.head, meta)


def _compare(proposals: Proposals, regions: Regions, found: Any) -> None:
    """Raise RuntimeError where a repeated step does not end where the model itself ended."""
    rows = regions.kept
    pairs = (
        ("proposals", proposals.boxes[proposals.chosen], regions.rois),
        ("boxes", regions.candidate_boxes[rows], found.bboxes),
        ("scores", regions.candidate_scores[rows], found.scores),
        ("labels", regions.candidate_label[rows], found.labels),
    )
    for name, ours, own in pairs:
        if not torch.equal(ours, own):
            raise RuntimeError(f"the traced {name} are not the model's own")


def _normalisation(preprocessor: Any) -> dict[str, Any]:
    def values(name: str) -> list[float]:
        held = getattr(preprocessor, name, None)
        return [] if held is None else held.flatten().tolist()

    return {
        "mean": values("mean"),
        "std": values("std"),
        "bgr_to_rgb": bool(getattr(preprocessor, "_channel_conversion", False)),
        "pad_size_divisor": int(getattr(preprocessor, "pad_size_divisor", 1)),
    }


def _final(detector: Detector, image: np.ndarray, regions: Regions) -> np.ndarray:
    """Rows of ``regions.kept`` that the detector returns, in its order."""
    rows = regions.kept
    boxes = Boxes(
        regions.candidate_boxes[rows].cpu().numpy(),
        regions.candidate_scores[rows].cpu().numpy(),
        regions.candidate_label[rows].cpu().numpy(),
        np.arange(len(rows))[:, None],
    )
    whole = replace(detector.options, flip=False, tile=None)
    sure = look(lambda _: [boxes], [image], whole, detector.thresholds)[0]
    return sure.class_scores[:, 0].astype(np.int64)
