"""From photos to entries of a gallery: all of them or none."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.crops.proposals import xyxy
from fish_dataset.crops.windows import SMALLEST
from fishdet.errors import FishdetError
from fishdet.inference.inputs import ImageLike, read_image

from .gallery import Gallery, Photo
from .records import SpeciesRecord, record_of

if TYPE_CHECKING:
    from fishdet.inference.detector import Detector

    from .embedder import Embedder

FEW = 5  # photos from which on a species is known from more than a chance view


@dataclass(frozen=True)
class Enrolled:
    """What an enrolment did: the new gallery, photos added, photos that it had, and notes."""

    gallery: Gallery
    added: int
    known: int
    notes: tuple[str, ...]


def enrol(
    gallery: Gallery,
    embedder: Embedder,
    record: SpeciesRecord,
    photos: Sequence[tuple[str, ImageLike]],
    detector: Detector | None = None,
    licence: str = "",
) -> Enrolled:
    """Add photos of a species.

    Args:
        gallery: to add to; it is not changed.
        embedder: the network that made it.
        record: the species.
        photos: (name, image) of each; an image is a path, bytes, or a BGR array.
        detector: finds the fish in each photo; without one a photo is a fish as a whole.
        licence: of the photos.

    Raises:
        FishdetError: a photo that is unreadable, shows no fish or several, or too small a one:
            all such photos are listed, and nothing is enrolled.
    """
    crops, faults = [], []
    for name, image in photos:
        try:
            crops.append(fish_of(embedder, read_image(image, name), name, detector))
        except FishdetError as error:
            faults.append(str(error))
    if faults:
        raise FishdetError(
            f"nothing was enrolled: {len(faults)} of {len(photos)} photos cannot be used:\n  "
            + "\n  ".join(faults)
        )
    entries = [
        Photo(name, photo_digest(crop), licence)
        for (name, _), crop in zip(photos, crops, strict=True)
    ]
    grown = gallery.add(record, embedder(crops), entries)
    added = len(grown.photos) - len(gallery.photos)
    return Enrolled(grown, added, len(photos) - added, _notes(grown, record, detector))


def enrol_annotations(
    gallery: Gallery,
    embedder: Embedder,
    data: Annotations,
    image_dir: Path,
    rows: np.ndarray,
    licence: str = "",
) -> Gallery:
    """Add labelled boxes of a data set; classes that the catalogue has not become own species.

    Args:
        gallery, embedder, licence: as ``enrol``.
        data: pictures and boxes.
        image_dir: where file names start.
        rows: of the boxes to add.
    """
    embeddings, crops = embed_boxes(embedder, data, image_dir, rows)
    for label in np.unique(data.labels[rows]).tolist():
        mine = np.flatnonzero(data.labels[rows] == label)
        names = [data.file_names[int(data.box_image[row])] for row in rows[mine]]
        photos = [
            Photo(name, crops[place], licence)
            for name, place in zip(names, mine.tolist(), strict=True)
        ]
        record = record_of(data.classes[label], own=True)
        gallery = gallery.add(record, embeddings[mine], photos)
    return gallery


def embed_boxes(
    embedder: Embedder, data: Annotations, image_dir: Path, rows: np.ndarray
) -> tuple[np.ndarray, list[str]]:
    """Return embeddings (n, D) and the crops' digests of the boxes at ``rows`` (n,).

    Raises:
        FishdetError: a picture that cannot be read.
    """
    boxes, crops = xyxy(data.bboxes), []
    last, image = -1, np.zeros((1, 1, 3), np.uint8)
    for row in rows.tolist():
        picture = int(data.box_image[row])
        if picture != last:
            image, last = read_image(image_dir / data.file_names[picture]), picture
        crops.append(embedder.cut(image, boxes[row]))
    return embedder(crops), [photo_digest(crop) for crop in crops]


def usable_boxes(data: Annotations, smallest: int = SMALLEST) -> np.ndarray:
    """Return the rows of boxes that make a crop: no crowd, none ignored, none too small."""
    large = data.bboxes[:, 2:].max(axis=1, initial=0) >= smallest
    return np.flatnonzero(large & ~data.crowd & ~data.ignore)


def fish_of(
    embedder: Embedder, image: np.ndarray, name: str, detector: Detector | None
) -> np.ndarray:
    """Return the crop of the one fish in a photo.

    Raises:
        FishdetError: none, several, or smaller than 8 pixels.
    """
    box = np.array([0.0, 0.0, image.shape[1], image.shape[0]])
    if detector is not None:
        found = detector.predict([image])[0]
        if len(found) == 0:
            raise FishdetError(
                f"{name}: no fish found above the detector's threshold; crop it to the fish and "
                "leave --detector out, or lower --score-thr"
            )
        if len(found) > 1:
            raise FishdetError(
                f"{name}: {len(found)} fish found, and which is meant is not said; crop it to one"
            )
        box = found.xyxy[0].astype(np.float64)
    side = float(max(box[2] - box[0], box[3] - box[1]))
    if side < SMALLEST:
        raise FishdetError(
            f"{name}: its fish is {side:.0f} pixels long; at least {SMALLEST} are needed to tell "
            "a species"
        )
    return embedder.cut(image, box)


def _notes(gallery: Gallery, record: SpeciesRecord, detector: Detector | None) -> tuple[str, ...]:
    count = int(gallery.counts[[one.id for one in gallery.species].index(record.id)])
    notes = []
    if count < FEW:
        notes.append(
            f"{record.name} has {count} photo{'s' if count > 1 else ''}: names from fewer than "
            f"{FEW} are hints; add more, of other fish and other sides"
        )
    notes += _elsewhere(gallery, record)
    if detector is None:
        notes.append("photos were taken as one fish each, unchecked: no --detector was given")
    return tuple(notes)


def _elsewhere(gallery: Gallery, record: SpeciesRecord) -> list[str]:
    """Return a note for each other species of which photos of ``record`` stand in the gallery."""
    digests: dict[str, set[str]] = {}
    for owner, photo in zip(gallery.owner.tolist(), gallery.photos, strict=True):
        digests.setdefault(gallery.species[owner].id, set()).add(photo.digest)
    names = {one.id: one.name for one in gallery.species}
    shared = {key: len(mine & digests[record.id]) for key, mine in digests.items()}
    return [
        f"{count} of its photos stand{'s' if count == 1 else ''} in the gallery as {names[key]} "
        "too: one of the names is wrong"
        for key, count in shared.items()
        if count and key != record.id
    ]


def photo_digest(crop: np.ndarray) -> str:
    """Return the SHA-256 of a crop's pixels."""
    return hashlib.sha256(crop.tobytes()).hexdigest()
