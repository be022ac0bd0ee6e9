"""Fish on pictures: the detector that a trained checkpoint makes."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

import cv2
import numpy as np
import supervision as sv
import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config

from fish_dataset.catalogue import display_name
from fishdet.checkpoint import load_checkpoint
from fishdet.errors import FishdetError
from fishdet.models.precision import autocast, resolve_precision

from .build import build_network, build_pipeline, class_names, config_for, require_class_count
from .inputs import ImageLike, read_image


class Detector:
    """Detects fish with a checkpoint of this project or of MMDetection.

    Example:
        >>> detector = Detector("work_dirs/fish/best.pth", lang="ko")
        >>> detections = detector("reef.jpg")
        >>> detections.data["class_name"], detections.xyxy, detections.confidence

    Args:
        model: the checkpoint, or a published model. Nothing in it is executed.
        config: its config, where the checkpoint carries none.
        device: 'cpu', 'cuda', 'cuda:1'; by default CUDA where there is one.
        score_thr: detections below this score are dropped.
        lang: language of ``class_name``, 'en' (the data set's own names) or 'ko'; species that
            the catalogue does not know keep their name.
        precision: 'auto', 'fp32', 'bf16' or 'fp16'.
        trust_pickle: read a ``.pth`` with all that its pickle asks for; see ``load_checkpoint``.

    Attributes:
        classes: the class names as trained, in the order of ``class_id``.
        names: the same in ``lang``.

    Raises:
        FishdetError: says which of the above does not work and what to do.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        config: str | Path | Config | None = None,
        device: str | None = None,
        score_thr: float = 0.3,
        lang: str = "en",
        precision: str = "auto",
        trust_pickle: bool = False,
    ) -> None:
        if not 0 <= score_thr <= 1:
            raise FishdetError(f"score_thr {score_thr}: a score lies between 0 and 1")
        self.device = _device(device)
        self.dtype = resolve_precision(precision, self.device)
        self.score_thr = score_thr
        checkpoint = load_checkpoint(Path(model), trust_pickle)
        self.cfg = config_for(checkpoint, config, str(model))
        self.classes = class_names(self.cfg, checkpoint, str(model))
        self.names = tuple(display_name(name, lang) for name in self.classes)
        self.pipeline = build_pipeline(self.cfg, str(model))
        self.model: Any = build_network(self.cfg, checkpoint["state_dict"], self.device)
        require_class_count(self.cfg, self.classes, str(model))

    @overload
    def __call__(self, images: ImageLike) -> sv.Detections: ...
    @overload
    def __call__(self, images: Sequence[ImageLike]) -> list[sv.Detections]: ...
    def __call__(self, images: Any) -> Any:
        """Detect fish on one image or on a list of images.

        Args:
            images: a path, bytes of an image file, a BGR (OpenCV) array, a Pillow image, or a
                list or tuple of these. EXIF orientation is honoured, as in training.

        Returns:
            ``supervision.Detections`` (a list of them for a list): ``xyxy`` in pixels of the
            image, float32 (N, 4); ``confidence`` float32 (N,); ``class_id`` int64 (N,);
            ``data['class_name']`` str (N,); best first.

        Raises:
            FishdetError: an image is not readable; names it.
        """
        if not isinstance(images, list | tuple):
            return self.predict([read_image(images)])[0]
        arrays = [read_image(image, f"image {index}") for index, image in enumerate(images)]
        return self.predict(arrays)

    def predict(self, images: Sequence[np.ndarray]) -> list[sv.Detections]:
        """Detect fish on loaded images, uint8 BGR (H, W, 3).

        Images of one size run as one batch. Those of other sizes run apart: padding them to the
        largest would change their scores with the company that they are in.
        """
        samples = [self._prepare(image) for image in images]
        batches: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for index, sample in enumerate(samples):
            batches[tuple(sample["inputs"].shape)].append(index)
        results: dict[int, sv.Detections] = {}
        for indices in batches.values():
            outputs = self._forward([samples[index] for index in indices])
            results.update(zip(indices, map(self._detections, outputs), strict=True))
        return [results[index] for index in range(len(samples))]

    def _prepare(self, image: np.ndarray) -> dict[str, Any]:
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

    def _forward(self, samples: list[dict[str, Any]]) -> list[DetDataSample]:
        batch = {key: [sample[key] for sample in samples] for key in ("inputs", "data_samples")}
        with torch.inference_mode(), autocast(self.device, self.dtype):
            return self.model.test_step(batch)

    def _detections(self, output: DetDataSample) -> sv.Detections:
        found = output.pred_instances
        scores = found.scores.float().cpu().numpy()
        kept = np.flatnonzero(scores >= self.score_thr)
        kept = kept[np.argsort(-scores[kept], kind="stable")]
        labels = found.labels.cpu().numpy().astype(np.int64)[kept]
        return sv.Detections(
            xyxy=found.bboxes.float().cpu().numpy()[kept].reshape(-1, 4),
            confidence=scores[kept],
            class_id=labels,
            data={"class_name": np.array([self.names[label] for label in labels], dtype=str)},
        )


def _device(wanted: str | None) -> str:
    if wanted is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(wanted).type
    except RuntimeError as error:
        raise FishdetError(f"device {wanted!r} is unknown; use cpu, cuda or cuda:0") from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise FishdetError(f"device {wanted!r}: this machine has no usable CUDA; use --device cpu")
    return wanted
