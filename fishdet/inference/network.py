"""A trained network and its test pipeline: pictures in, boxes without names out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from mmdet.models.detectors import BaseDetector
from mmengine.config import Config

from fishdet.errors import FishdetError
from fishdet.models.arrangement import arrange_model
from fishdet.models.compiled import compile_parts
from fishdet.precision import autocast, precision_name

from .boxes import Boxes
from .build import Transform, build_network, build_pipeline
from .class_scores import boxes_of, keep_class_scores
from .folding import fold_batch_norms
from .held import hold_weights


class Network:
    """The network of a config with its weights.

    Args:
        cfg: the config.
        state_dict: the weights.
        name: of the model, for messages.
        device: 'cpu', 'cuda', …
        dtype: what it computes in.
        classes: how many classes it has.
        batch_size: pictures at once, at most.
        plain: leave the network as it was trained; else its BatchNorm is folded away, and its
            convolutions run as is fastest here.
        compiled: hand backbone and neck to ``torch.compile``.

    Attributes:
        gives_class_scores: whether each box comes with the scores of all classes.
        folded: how many BatchNorms are folded away.
        parameters: how many numbers the network was trained with.
        engine: what runs it, and how, in words.

    Raises:
        FishdetError: the model cannot be built, or is no detector.
    """

    def __init__(
        self,
        cfg: Config,
        state_dict: Mapping[str, torch.Tensor],
        name: str,
        *,
        device: str,
        dtype: torch.dtype,
        classes: int,
        batch_size: int,
        plain: bool = False,
        compiled: bool = False,
    ) -> None:
        self.device, self.dtype, self.classes, self.batch_size = device, dtype, classes, batch_size
        self.pipeline: list[Transform] = build_pipeline(cfg, name)
        self.model: Any = build_network(cfg, state_dict, device)
        if not isinstance(self.model, BaseDetector):
            raise FishdetError(
                f"{name}: its model is a {type(self.model).__name__}, no detector (an embedding "
                "network goes with --identify, and --gallery beside it)"
            )
        self.parameters = sum(p.numel() for p in self.model.parameters())
        self.folded = 0 if plain else fold_batch_norms(self.model)
        layout = "channels_last"
        if not plain:
            in_full = dtype == torch.float32
            layout = arrange_model(self.model, training=False, in_full=in_full)
        if not plain and device == "cpu":
            hold_weights(self.model, dtype)
        self.gives_class_scores = keep_class_scores(self.model)
        self.engine = f"PyTorch {precision_name(dtype)} on {device}, convolutions {layout}" + (
            f", {self.folded} BatchNorms folded" if self.folded else ""
        )
        if compiled:
            self.engine += f", {compile_parts(self.model)}"

    @property
    def proposals(self) -> int | None:
        """How many regions of a picture the second stage looks at, at most; None: it has none."""
        rpn = getattr(self.model, "rpn_head", None)
        return None if rpn is None else int(rpn.test_cfg.max_per_img)

    def limit_proposals(self, number: int) -> None:
        """Let the second stage look at ``number`` proposals a picture at most.

        Raises:
            FishdetError: fewer than one, or a detector that makes none.
        """
        rpn = getattr(self.model, "rpn_head", None)
        if rpn is None:
            raise FishdetError(
                f"proposals {number}: a {type(self.model).__name__} makes none; leave it out"
            )
        if number < 1:
            raise FishdetError(f"proposals {number}: at least 1")
        rpn.test_cfg.max_per_img = number

    def __call__(self, images: Sequence[np.ndarray]) -> list[Boxes]:
        """Return the boxes of each image, uint8 BGR (H, W, 3), that the config's own limits leave.

        Images of one size run as batches. Those of other sizes run apart: padding them to the
        largest would change their scores with the company that they are in.

        Raises:
            FishdetError: an image does not pass the pipeline.
        """
        samples = [self.prepare(image) for image in images]
        alike: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for index, sample in enumerate(samples):
            alike[tuple(sample["inputs"].shape)].append(index)
        found: dict[int, Boxes] = {}
        for indices in alike.values():
            for start in range(0, len(indices), self.batch_size):
                batch = indices[start : start + self.batch_size]
                outputs = self._forward([samples[index] for index in batch])
                found.update(zip(batch, outputs, strict=True))
        return [found[index] for index in range(len(samples))]

    def prepare(self, image: np.ndarray) -> dict[str, Any]:
        """Return what the test pipeline makes of an image, uint8 BGR (H, W, 3): ``inputs`` and
        ``data_samples`` of one picture.

        Raises:
            FishdetError: the image does not pass the pipeline.
        """
        data: dict[str, Any] | None = {"img": image, "img_id": 0}
        try:
            for transform in self.pipeline:
                data = transform(data) if data is not None else None
        except cv2.error as error:
            raise FishdetError(
                f"an image of {image.shape[1]}x{image.shape[0]} pixels does not pass the test "
                f"pipeline: {error}"
            ) from error
        if data is None:
            raise FishdetError("the test pipeline of the config drops images; it must keep each")
        return data

    def _forward(self, samples: list[dict[str, Any]]) -> list[Boxes]:
        batch = {key: [sample[key] for sample in samples] for key in ("inputs", "data_samples")}
        with torch.inference_mode(), autocast(self.device, self.dtype):
            outputs = self.model.test_step(batch)
        return [boxes_of(output.pred_instances, self.classes) for output in outputs]
