"""What a gallery says of the fish on a picture, and a user's correction as one photo more of it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fish_dataset.crops.windows import SMALLEST
from fishdet.errors import FishdetError
from fishdet.identification.answers import Answer, answer
from fishdet.identification.columns import unless_small
from fishdet.identification.embedder import Embedder
from fishdet.identification.enrolment import photo_digest
from fishdet.identification.gallery import Gallery, Photo
from fishdet.identification.gallery_file import read_gallery, write_gallery
from fishdet.identification.records import record_of
from fishdet.inference.boxes import Boxes

CHANGED = ("renamed", "added")  # what a user says of a fish that the model did not
LICENCE = "given to the service as a correction"


@dataclass(frozen=True)
class NamedBoxes(Boxes):
    """Boxes of one picture, each with what the gallery says of it."""

    said: tuple[Answer, ...] = ()


class Namer:
    """Names fish from a gallery file, and adds corrections to it.

    Its network is to be used by one thread at a time, the service's worker.

    Args:
        embedder: the embedding network.
        path: the gallery, which it made.
        confidence: least probability of a claim.

    Raises:
        FishdetError: no such gallery, one of another network, or an empty one.
    """

    def __init__(self, embedder: Embedder, path: Path, confidence: float = 0.8) -> None:
        self.embedder, self.path, self.confidence = embedder, path, confidence
        self._lock = threading.Lock()
        self.gallery = read_gallery(path, embedder.digest)
        self.gallery.require_photos()

    def name(self, images: Sequence[np.ndarray], found: Sequence[Boxes]) -> list[Boxes]:
        """Return the boxes of pictures, uint8 BGR (H, W, 3), with what the gallery says.

        Of a box below 8 pixels no species is claimed, and of none while the gallery is empty.
        """
        if not self.gallery.photos:
            return list(found)
        crops = [
            self.embedder.cut(image, box)
            for image, boxes in zip(images, found, strict=True)
            for box in boxes.xyxy
        ]
        said = iter(answer(self.gallery, self.embedder(crops), self.confidence))
        return [
            NamedBoxes(one.xyxy, one.scores, one.labels, one.class_scores,
                       tuple(unless_small([next(said) for _ in one.scores], one.xyxy)))
            for one in found
        ]  # fmt: skip

    def enrol(self, source: str, pixels: np.ndarray, boxes: Sequence[dict[str, Any]]) -> int:
        """Add the fish of a correction that a user named or drew, and return how many.

        Left out are fish below 8 pixels and what is called by no species of the catalogue or the
        gallery, as "fish" is.

        Args:
            source: what the photos are called in the gallery; ``forget`` takes them out by it.
            pixels: the picture, uint8 BGR (H, W, 3).
            boxes: dicts of bbox (x, y, width, height), species, origin.
        """
        with self._lock:
            gallery = self._current()
            grown = gallery
            for box in boxes:
                x, y, width, height = box["bbox"]
                record = _record(gallery, box["species"])
                if box["origin"] not in CHANGED or record is None or max(width, height) < SMALLEST:
                    continue
                crop = self.embedder.cut(pixels, np.array([x, y, x + width, y + height]))
                photo = Photo(source, photo_digest(crop), LICENCE)
                grown = grown.add(record, self.embedder([crop]), [photo])
            self._keep(gallery, grown)
        return len(grown.photos) - len(gallery.photos)

    def forget(self, source: str) -> None:
        """Take the photos of a correction out again."""
        with self._lock:
            gallery = self._current()
            self._keep(gallery, gallery.without_source(source))

    def _current(self) -> Gallery:
        """Return what the file holds now: ``tools/species.py`` may have enrolled into it."""
        return read_gallery(self.path, self.embedder.digest)

    def _keep(self, before: Gallery, gallery: Gallery) -> None:
        if len(gallery.photos) != len(before.photos):
            write_gallery(self.path, gallery)
        self.gallery = gallery


def _record(gallery: Gallery, name: str) -> Any:
    """Return the record of a name, the gallery's own first; None of "fish" and unknown names."""
    for record in gallery.species:
        if name in record.names():
            return record
    try:
        record = record_of(name)
    except FishdetError:
        return None
    return None if record.id == "fish" else record
