"""One picture through a detector of the transformers library, with every query kept.

Such a detector (DETR, https://arxiv.org/abs/2005.12872, and what came of it) has no anchors, no
proposals and no NMS: each of a fixed number of queries starts at a place that the encoder chose,
the decoder moves it, and each query answers with one box and a score for every species.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmdet.structures.bbox import bbox_cxcywh_to_xyxy
from torch import Tensor

from fishdet.errors import FishdetError
from fishdet.inference.detector import Detector
from fishdet.inference.inputs import ImageLike

TOLERANCE = 1e-3  # of scores, between a query and the answer that it is looked up for


@dataclass(frozen=True, eq=False, repr=False)
class QueryTrace:
    """Every query of one picture. Boxes are x1, y1, x2, y2 in pixels of the picture.

    Attributes:
        image: the picture as it was given, uint8 BGR (H, W, 3).
        input: (C, H', W') of the network's input.
        maps: names and shapes of what backbone and encoder give.
        start: (Q, 4), where the queries start.
        layers: what the decoder makes of them, layer by layer, each (Q, 4); none where the model
            tells its last boxes alone.
        boxes: (Q, 4), where they end.
        scores: (Q, C), of each species.
        query, label: (K,) of the fish that reach their threshold, surest first.
        classes: names as trained; ``names``: in the detector's language.
    """

    image: np.ndarray
    input: tuple[int, ...]
    maps: tuple[tuple[str, tuple[int, ...]], ...]
    start: np.ndarray
    layers: tuple[np.ndarray, ...]
    boxes: np.ndarray
    scores: np.ndarray
    query: np.ndarray
    label: np.ndarray
    classes: tuple[str, ...]
    names: tuple[str, ...]


def is_query_detector(detector: Detector) -> bool:
    """Whether a detector is one of the transformers library."""
    model = getattr(detector.network, "model", None)
    return type(model).__name__ == "TransformersDetector"


def record_queries(detector: Detector, image: ImageLike) -> QueryTrace:
    """Run a detector on a picture and keep its queries.

    Raises:
        FishdetError: the picture cannot be read, or the model's outputs are of another kind.
    """
    pixels = detector.read(image)
    model: Any = detector.network.model  # type: ignore[attr-defined]
    sample = detector.network.prepare(pixels)  # type: ignore[attr-defined]
    batch = {key: [sample[key]] for key in ("inputs", "data_samples")}
    with torch.inference_mode():
        data = model.data_preprocessor(batch, False)
        outputs = model(data["inputs"], data["data_samples"], mode="tensor")
        answer = model.answers(outputs, data["inputs"], data["data_samples"])[0]
    if outputs.get("init_reference_points") is None:
        raise FishdetError(
            f"a {model.net.config.model_type} does not tell where its queries start; traces are "
            "drawn of rf_detr, d_fine, rt_detr_v2 and lw_detr"
        )
    to_pixels = _to_pixels(data["inputs"], data["data_samples"][0])
    scores = outputs.logits[0].float().sigmoid().cpu().numpy()
    boxes = to_pixels(outputs.pred_boxes[0].float())
    query, label = _found(answer, boxes, scores, detector.thresholds)
    layers = outputs.get("intermediate_reference_points")
    return QueryTrace(
        image=pixels,
        input=tuple(data["inputs"].shape[1:]),
        maps=tuple(_maps(outputs)),
        start=to_pixels(_fractions(outputs.init_reference_points[0])),
        layers=() if layers is None else tuple(to_pixels(_fractions(one)) for one in layers[0]),
        boxes=boxes,
        scores=scores,
        query=query,
        label=label,
        classes=tuple(detector.classes),
        names=tuple(detector.names),
    )


def _found(
    answer: Any, boxes: np.ndarray, scores: np.ndarray, thresholds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the query and label of each of the model's own answers that reaches its threshold.

    The library's processors tell no query: it is the one of that score whose box is the nearest.
    """
    found = answer.pred_instances
    label, own = found.labels.cpu().numpy(), found.scores.float().cpu().numpy()
    apart = np.abs(scores[:, label].T - own[:, None]) > TOLERANCE  # (K, Q)
    corners = found.bboxes.float().cpu().numpy()
    height, width = answer.ori_shape[:2]
    inside = np.clip(boxes, 0, [width, height, width, height])  # as the answers are
    distance = np.abs(inside[None] - corners[:, None]).max(2) + np.where(apart, np.inf, 0.0)
    query = distance.argmin(1)
    if len(query) and not (distance.min(1) < 1).all():
        raise FishdetError(
            "not every fish that this model answers with is one of its queries; please report it"
        )
    sure = own >= thresholds[label]
    return query[sure], label[sure]


def _fractions(points: Tensor) -> Tensor:
    """Return reference boxes as centre and size, fractions of the input; some models give them
    before their sigmoid."""
    points = points.float()
    return points if ((points >= 0) & (points <= 1)).all() else points.sigmoid()


def _to_pixels(inputs: Tensor, sample: Any) -> Any:
    height, width = inputs.shape[-2:]
    factor = inputs.new_tensor(sample.scale_factor).repeat(2)
    side = inputs.new_tensor([width, height, width, height])

    def placed(boxes: Tensor) -> np.ndarray:
        found: np.ndarray = (bbox_cxcywh_to_xyxy(boxes) * side / factor).cpu().numpy()
        return found

    return placed


def _maps(outputs: Any) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes, without the picture's own dimension, of the maps that are told."""
    shapes = []
    for name in ("backbone_features", "encoder_last_hidden_state", "last_hidden_state"):
        value = outputs.get(name)
        parts = value if isinstance(value, list | tuple) else [value]
        shapes += [(name, tuple(part.shape[1:])) for part in parts if part is not None]
    return shapes
