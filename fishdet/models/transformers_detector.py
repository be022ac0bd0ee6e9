"""Any object-detection model of the transformers library as a detector of mmdet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from mmdet.models.detectors import BaseDetector
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox_xyxy_to_cxcywh
from mmengine.logging import print_log
from mmengine.structures import InstanceData
from torch import Tensor

from fishdet.errors import FishdetError

from . import transformers_models


@MODELS.register_module()
class TransformersDetector(BaseDetector):
    """A model of ``transformers.AutoModelForObjectDetection``, its configuration as data.

    Losses and boxes are those of the library's own model and image processor. What is our own:
    boxes are fractions of the batch's size, padding included, on the way in and out; losses are
    computed in fp32 under autocast, because matching in bf16 is coarse and stops on a CPU.

    Ignored boxes cannot be left out of a loss over sets: they count as background, and one line
    says so.

    Args:
        config: fields of the library's configuration, ``model_type`` among them (``rf_detr``,
            ``d_fine``, ``rt_detr_v2``, ``lw_detr``, …): what a model's ``config.json`` holds.
        num_classes: number of species.
        weights: name on the hub, or folder with ``config.json`` and ``model.safetensors``; read
            by ``init_weights``, so a model that loads a checkpoint needs none. Layers of other
            classes start anew.
        max_per_img: most boxes a picture.
        data_preprocessor: as mmdet's ``DetDataPreprocessor``.

    Raises:
        FishdetError: transformers is missing, or a configuration that it does not know or that
            would fetch something.
    """

    net: Any

    def __init__(
        self,
        config: Mapping[str, Any],
        num_classes: int,
        weights: str | None = None,
        max_per_img: int = 300,
        data_preprocessor: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.weights = weights
        self.max_per_img = max_per_img
        self.net = transformers_models.build(config, num_classes)
        self.net.loss_function = in_fp32(self.net.loss_function)
        self._processor = transformers_models.processor(self.net.config)
        self._told = False

    def init_weights(self) -> None:
        """Start from ``weights``; without them the library's random start stands.

        Raises:
            FishdetError: they cannot be had, or are of another architecture.
        """
        if self.weights:
            transformers_models.load_weights(self.net, self.weights)

    def loss(self, batch_inputs: Tensor, batch_data_samples: Sequence[Any]) -> dict[str, Tensor]:
        """Return ``loss_detr``, the library's weighted sum, and the last layer's parts to log."""
        outputs = self._forward(batch_inputs, batch_data_samples, self._labels(batch_data_samples))
        parts = {
            name.removeprefix("loss_"): value.detach()
            for name, value in outputs.loss_dict.items()
            if name in ("loss_ce", "loss_vfl", "loss_bbox", "loss_giou")
        }
        return {"loss_detr": outputs.loss, **parts}

    def predict(
        self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample], rescale: bool = True
    ) -> list[DetDataSample]:
        """Return the samples with ``pred_instances``, best first: boxes as x1, y1, x2, y2.

        Pixels of the original picture, or with ``rescale=False`` of the batch.
        """
        outputs = self._forward(batch_inputs, batch_data_samples)
        return self.answers(outputs, batch_inputs, batch_data_samples, rescale)

    def answers(
        self,
        outputs: Any,
        batch_inputs: Tensor,
        batch_data_samples: list[DetDataSample],
        rescale: bool = True,
    ) -> list[DetDataSample]:
        """Return what :meth:`predict` returns, of the outputs that ``_forward`` gave."""
        for name in ("logits", "pred_boxes"):
            outputs[name] = outputs[name].float()
        height, width = batch_inputs.shape[-2:]
        sizes = [(height, width)] * len(batch_inputs)
        found = transformers_models.boxes(self._processor, outputs, sizes, self.max_per_img)
        for sample, one in zip(batch_data_samples, found, strict=True):
            sample.pred_instances = self._instances(one, sample, rescale)
        return batch_data_samples

    def extract_feat(self, batch_inputs: Tensor) -> Tensor:
        """Refuse: the library's models compute their maps inside."""
        raise FishdetError(
            f"TransformersDetector ({self.net.config.model_type}) has no feature maps to look at: "
            "backbone and head are one model of the transformers library. tools/trace.py shows its "
            "queries."
        )

    def _forward(
        self,
        batch_inputs: Tensor,
        batch_data_samples: Sequence[Any] | None = None,
        labels: list[dict[str, Tensor]] | None = None,
    ) -> Any:
        """Return what the library's model puts out for a batch.

        Raises:
            FishdetError: the pictures are too small for the model's queries.
        """
        mask = pixel_mask(batch_inputs, batch_data_samples)
        try:
            return self.net(pixel_values=batch_inputs, pixel_mask=mask, labels=labels)
        except RuntimeError as error:
            if "selected index k out of range" not in str(error):
                raise
            height, width = batch_inputs.shape[-2:]
            raise FishdetError(
                f"pictures of {width}x{height} px have fewer places than the "
                f"{self.net.config.num_queries} queries of this {self.net.config.model_type}: give "
                "a larger --img-scale, or fewer queries (model.config.num_queries)"
            ) from error

    def _labels(self, samples: Sequence[Any]) -> list[dict[str, Tensor]]:
        self._tell_of_ignored(samples)
        return [
            {"class_labels": one.gt_instances.labels, "boxes": fractions(one)} for one in samples
        ]

    def _tell_of_ignored(self, samples: Sequence[Any]) -> None:
        number = sum(len(s.ignored_instances) for s in samples if "ignored_instances" in s)
        if number and not self._told:
            self._told = True
            print_log(
                f"TransformersDetector: {number} ignored boxes in a batch count as background "
                "here; said once",
                logger="current",
            )

    def _instances(
        self, found: Mapping[str, Tensor], sample: DetDataSample, rescale: bool
    ) -> InstanceData:
        boxes = found["boxes"]
        height, width = sample.img_shape[:2]
        if rescale:
            boxes = boxes / boxes.new_tensor(sample.scale_factor).repeat(2)
            height, width = sample.ori_shape[:2]
        limit = boxes.new_tensor([width, height, width, height])
        boxes = boxes.clamp(min=0).minimum(limit)
        return InstanceData(bboxes=boxes, scores=found["scores"], labels=found["labels"])


def fractions(sample: Any) -> Tensor:
    """Return a sample's boxes (n, 4) as centre x, centre y, width, height in parts of the batch."""
    boxes = sample.gt_instances.bboxes
    boxes = getattr(boxes, "tensor", boxes)
    height, width = sample.batch_input_shape
    return bbox_xyxy_to_cxcywh(boxes) / boxes.new_tensor([width, height, width, height])


def pixel_mask(inputs: Tensor, samples: Sequence[Any] | None) -> Tensor:
    """Return (B, H, W) int64 of 1 where a picture is and 0 where padding is."""
    mask = torch.ones(len(inputs), *inputs.shape[-2:], dtype=torch.long, device=inputs.device)
    for one, sample in zip(mask, samples or (), strict=False):
        height, width = sample.img_shape[:2]
        one[height:] = 0
        one[:, width:] = 0
    return mask


def in_fp32(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``function`` with autocast off and every floating tensor in its arguments as fp32."""

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        device = next((a.device.type for a in args if isinstance(a, Tensor)), "cpu")
        with torch.autocast(device, enabled=False):
            return function(*_as_fp32(args), **_as_fp32(kwargs))

    return wrapped


def _as_fp32(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.float() if value.is_floating_point() else value
    if isinstance(value, list | tuple):
        return type(value)(_as_fp32(item) for item in value)
    if type(value) is dict:
        return {key: _as_fp32(item) for key, item in value.items()}
    return value
