"""Identifier: a detector's fish, each with its species, or how much can be said of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import supervision as sv

from fishdet.errors import FishdetError
from fishdet.inference.detector import Detector
from fishdet.inference.inputs import ImageLike

from .answers import Answer, answer, pool
from .columns import columns_of, large_enough, unless_small
from .embedder import Embedder
from .gallery import Gallery
from .gallery_file import read_gallery
from .tracks import POINT, TrackNames

CONFIDENCE = 0.8


class Identifier:
    """Detects fish and says of each what species it is, as far as that can be said.

    Example:
        >>> identifier = Identifier(Detector("fish.pth"), "embedder.pth", "my.safetensors")
        >>> fish = identifier("reef.jpg")
        >>> fish.data["identified_name"], fish.data["identified_rank"]

    It stands wherever a ``Detector`` does (``predict``, ``tools/predict.py``): detections stay as
    they were, with the columns ``IDENTIFIED``
    (``fishdet.inference.writers.rows``) added; candidates are ``id 0.62; id 0.30``. The embeddings
    are in ``identified_point``.

    Args:
        detector: finds the fish.
        model: the embedding network, or a model that ``Embedder`` loads.
        gallery: known species, or the path of their file.
        confidence: least probability of a claim.
        lang: language of ``identified_name``, 'en' or 'ko' where there is a Korean name.

    Raises:
        FishdetError: no such model or gallery, a gallery of another network, an empty one, or a
            confidence out of its range.
    """

    def __init__(
        self,
        detector: Detector,
        model: Embedder | str | os.PathLike[str],
        gallery: Gallery | str | os.PathLike[str],
        confidence: float = CONFIDENCE,
        lang: str = "en",
    ) -> None:
        if not 0 < confidence <= 1:
            raise FishdetError(f"confidence {confidence}: give a share above 0, at most 1")
        self.detector, self.confidence, self.lang = detector, confidence, lang
        self.embedder = model if isinstance(model, Embedder) else Embedder(model)
        if isinstance(gallery, Gallery):
            if gallery.network != self.embedder.digest:
                raise FishdetError("the gallery was made by another embedding network")
        else:
            gallery = read_gallery(Path(gallery), self.embedder.digest)
        gallery.require_photos()
        self.gallery = gallery

    def __getattr__(self, name: str) -> Any:
        """Everything else is the detector's: options, thresholds, classes, names."""
        if name == "detector":
            raise AttributeError(name)
        return getattr(self.detector, name)

    def __call__(self, images: Any) -> Any:
        """Detect and identify, as ``Detector`` takes and returns them."""
        if isinstance(images, Iterator):
            return self.stream(images)
        if not isinstance(images, list | tuple):
            return self.predict([self.detector.read(images)])[0]
        return list(self.stream(images))

    def stream(self, images: Iterable[ImageLike]) -> Iterator[sv.Detections]:
        """Yield the fish of each image in order, ``batch_size`` images in memory."""
        numbered = enumerate(images)
        while batch := list(islice(numbered, self.detector.options.batch_size)):
            yield from self.predict([self.detector.read(image, f"image {i}") for i, image in batch])

    def predict(self, images: Sequence[np.ndarray]) -> list[sv.Detections]:
        """Detect and identify on loaded images, uint8 BGR (H, W, 3), all crops in one batch."""
        found = self.detector.predict(images)
        crops = [
            self.embedder.cut(image, box)
            for image, one in zip(images, found, strict=True)
            for box in one.xyxy
        ]
        points = self.embedder(crops)
        said = answer(self.gallery, points, self.confidence)
        start = 0
        for one in found:
            mine = slice(start, start + len(one))
            with_answers(one, said[mine], points[mine], self.lang)
            start = mine.stop
        return found

    def track_names(self) -> TrackNames:
        """Return what pools the frames of each fish of a video; see ``fishdet.inference.video``."""
        return TrackNames(self.gallery, self.confidence, self.lang)

    def together(self, photos: Sequence[ImageLike]) -> Answer:
        """Return one answer for several photos of one fish, each cropped to it."""
        images = [self.detector.read(photo) for photo in photos]
        boxes = [np.array([0, 0, image.shape[1], image.shape[0]]) for image in images]
        return self.of_crops([self.embedder.cut(*pair) for pair in zip(images, boxes, strict=True)])

    def of_crops(self, crops: Sequence[np.ndarray]) -> Answer:
        """Return one answer for several crops of one fish, such as those of a track.

        Args:
            crops: what ``embedder.cut`` returned.

        Raises:
            FishdetError: no crops.
        """
        if not crops:
            raise FishdetError("nothing to identify: no photos of the fish were given")
        points = pool(self.embedder(crops), [range(len(crops))])
        return answer(self.gallery, points, self.confidence)[0]


def with_answers(
    found: sv.Detections, said: Sequence[Answer], points: np.ndarray, lang: str = "en"
) -> sv.Detections:
    """Return detections with the columns ``IDENTIFIED`` and the embeddings (N, D) in ``POINT``.

    A box below 8 pixels gets no claim, and zeros for its embedding.
    """
    found.data.update(columns_of(unless_small(said, found.xyxy), lang))
    found.data[POINT] = np.where(large_enough(found.xyxy)[:, None], points, 0).astype(np.float32)
    return found
