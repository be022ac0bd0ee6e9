"""One picture through torchvision and through mmdet, stage by stage."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor, nn

from fishdet.inference.build import build_pipeline

STAGES = ("input", "proposals", "class_scores", "boxes", "scores")


def torchvision_stages(model: nn.Module, image: np.ndarray) -> dict[str, Tensor]:
    """Return what each stage gives for a picture, uint8 BGR (H, W, 3).

    Returns:
        ``input`` (1, 3, h, w); ``proposals`` (P, 4) in pixels of it; ``class_scores`` (P, C + 1),
        the background first; ``boxes`` (N, 4) in pixels of the picture, ``scores`` and ``labels``
        (N,), 1 the first class.
    """
    seen: dict[str, Any] = {}
    parts: Any = model
    hooks = [
        parts.transform.register_forward_hook(lambda m, a, o: seen.update(input=o[0].tensors)),
        parts.rpn.register_forward_hook(lambda m, a, o: seen.update(proposals=o[0][0])),
        parts.roi_heads.box_predictor.register_forward_hook(
            lambda m, a, o: seen.update(class_scores=o[0].softmax(-1))
        ),
    ]
    try:
        with torch.inference_mode():
            (found,) = model([as_tensor(image, next(model.parameters()).dtype)])
    finally:
        for hook in hooks:
            hook.remove()
    return seen | found


def mmdet_stages(
    cfg: Config, model: nn.Module, image: np.ndarray, inputs: Tensor | None = None
) -> dict[str, Tensor]:
    """Return the same of mmdet, in torchvision's order of classes.

    ``inputs`` takes the place of what pipeline and preprocessor make of the picture's pixels.
    """
    seen: dict[str, Any] = {}
    parts: Any = model
    hook = parts.roi_head.bbox_head.fc_cls.register_forward_hook(
        lambda m, a, o: seen.update(logits=o)
    )
    try:
        with torch.inference_mode():
            batch = mmdet_input(cfg, model, image)
            samples = batch["data_samples"]
            if inputs is not None:
                batch["inputs"] = inputs
            features = parts.extract_feat(batch["inputs"])
            proposals = parts.rpn_head.predict(features, samples, rescale=False)
            (found,) = parts.roi_head.predict(features, proposals, samples, rescale=True)
    finally:
        hook.remove()
    return {
        "input": batch["inputs"],
        "proposals": proposals[0].bboxes,
        "class_scores": torch.roll(seen["logits"].softmax(-1), 1, dims=1),
        "boxes": found.bboxes,
        "scores": found.scores,
        "labels": found.labels + 1,
    }


def gaps(found: dict[str, Tensor], expected: dict[str, Tensor]) -> dict[str, float]:
    """Return the largest difference of each stage; infinity where numbers or labels differ.

    Pixels for proposals and boxes, shares of one for scores, deviations for the input.
    """
    same = found["labels"].shape == expected["labels"].shape and torch.equal(
        found["labels"], expected["labels"]
    )
    result = {}
    for stage in STAGES:
        one, other = found[stage], expected[stage]
        fits = one.shape == other.shape and (same or stage not in ("boxes", "scores"))
        result[stage] = (one - other).abs().max().item() if fits else float("inf")
    return result


def mmdet_input(cfg: Config, model: Any, image: np.ndarray) -> dict[str, Any]:
    """Return what test pipeline and preprocessor make of a picture.

    Where the pipeline computes in float32, a model of float64 gets it in float64.
    """
    loader, *steps = build_pipeline(cfg, "comparison")
    data: Any = loader({"img": image, "img_id": 0})
    if data["img"].dtype == np.float32 and next(model.parameters()).dtype == torch.float64:
        data["img"] = data["img"].astype(np.float64)
    for step in steps:
        data = step(data)
    return model.data_preprocessor({key: [data[key]] for key in ("inputs", "data_samples")})


def as_tensor(image: np.ndarray, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return a picture, uint8 BGR (H, W, 3), as torchvision takes it: RGB 0..1, (3, H, W)."""
    return torch.from_numpy(image[:, :, ::-1].copy()).permute(2, 0, 1).to(dtype) / 255
