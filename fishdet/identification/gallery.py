"""A gallery: photos of known species as points, and who is nearest to a new one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from fishdet.errors import FishdetError

from .likeness import Block, blocks_of, likeness
from .records import SpeciesRecord


@dataclass(frozen=True)
class Photo:
    """Where an embedding comes from.

    Attributes:
        source: file name or address, as the user gave it.
        digest: SHA-256 of the crop's pixels, so that none is enrolled twice.
        licence: of the photo, empty where unknown.
    """

    source: str
    digest: str
    licence: str = ""


@dataclass(frozen=True)
class Fitted:
    """What was fitted on validation data; see ``calibration.fit``.

    Attributes:
        temperature: divides similarities to make logits.
        thresholds: least similarity of a claim by level ('species', 'genus', 'family').
        false_claims: the rate that the thresholds were fitted for.
        on: what it was fitted on, as plain data.
    """

    temperature: float
    thresholds: dict[str, float] = field(default_factory=dict)
    false_claims: float = 0.05
    on: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Gallery:
    """Embeddings of photos, sorted by species. Immutable; changes return a new one.

    Attributes:
        network: digest of the network that made the embeddings.
        species: S records.
        embeddings: (N, D) float32 of length 1.
        owner: (N,) int64, row of ``species``, ascending.
        photos: N origins.
        fitted: calibration, None where none was fitted.

    Raises:
        ValueError: columns that do not fit each other (a fault of the caller).
    """

    network: str
    species: tuple[SpeciesRecord, ...] = ()
    embeddings: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    owner: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    photos: tuple[Photo, ...] = ()
    fitted: Fitted | None = None

    def __post_init__(self) -> None:
        sizes = {len(self.embeddings), len(self.owner), len(self.photos)}
        if len(sizes) != 1 or self.embeddings.ndim != 2:
            raise ValueError(f"gallery columns of different length: {sorted(sizes)}")
        if np.any(np.diff(self.owner) < 0) or set(self.owner.tolist()) != set(
            range(len(self.species))
        ):
            raise ValueError("photos are not sorted by species, or a species has none")

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The photos by species, as ``likeness`` takes them."""
        return blocks_of(self.embeddings, self.owner)

    @property
    def counts(self) -> np.ndarray:
        """(S,) int64, photos of each species."""
        return np.bincount(self.owner, minlength=len(self.species))

    def similarities(self, queries: np.ndarray) -> np.ndarray:
        """Return (B, S) float32: the cosine of each query (B, D) with a species' photos together;
        see ``likeness``.

        Raises:
            FishdetError: the gallery is empty, or of another number of dimensions.
        """
        self.require_photos()
        if queries.ndim != 2 or queries.shape[1] != self.embeddings.shape[1]:
            raise FishdetError(
                f"embeddings of {queries.shape[-1]} numbers cannot be held against a gallery of "
                f"{self.embeddings.shape[1]}; enrol its photos anew with the present network"
            )
        return likeness(queries, self.blocks)

    def require_photos(self) -> None:
        """Raise FishdetError for an empty gallery."""
        if not self.photos:
            raise FishdetError(
                "the gallery is empty; enrol a species first: tools/species.py enrol NAME PHOTOS"
            )

    def add(
        self, record: SpeciesRecord, embeddings: np.ndarray, photos: Sequence[Photo]
    ) -> Gallery:
        """Return the gallery with more photos of a species; photos that it has are left out."""
        known = {photo.digest for photo in self._photos_of(record.id)}
        new = []
        for place, photo in enumerate(photos):
            if photo.digest not in known:
                known.add(photo.digest)
                new.append(place)
        rows = [(record, embeddings[place], photos[place]) for place in new]
        return _sorted(self, [*self._rows(), *rows])

    def remove(self, species_id: str) -> Gallery:
        """Return the gallery without a species.

        Raises:
            FishdetError: it has no such species.
        """
        if all(record.id != species_id for record in self.species):
            raise FishdetError(f"the gallery has no species {species_id!r}; {self.listed()}")
        return _sorted(self, [row for row in self._rows() if row[0].id != species_id])

    def without_source(self, source: str) -> Gallery:
        """Return the gallery without the photos of a source; species that had no others go too."""
        return _sorted(self, [row for row in self._rows() if row[2].source != source])

    def only(self, species_ids: Iterable[str]) -> Gallery:
        """Return the gallery of the named species alone."""
        wanted = set(species_ids)
        return _sorted(self, [row for row in self._rows() if row[0].id in wanted])

    def merge(self, other: Gallery) -> Gallery:
        """Return both galleries in one, by species; this one's calibration stays.

        Raises:
            FishdetError: the other was made by another network.
        """
        if other.network != self.network:
            raise FishdetError(
                f"galleries of two networks ({self.network[:12]}… and {other.network[:12]}…) "
                "cannot be merged: their numbers mean different things; enrol the photos anew"
            )
        merged = self
        for place, record in enumerate(other.species):
            rows = np.flatnonzero(other.owner == place)
            photos = [other.photos[row] for row in rows]
            merged = merged.add(record, other.embeddings[rows], photos)
        return merged

    def calibrated(self, fitted: Fitted) -> Gallery:
        """Return the gallery with a calibration."""
        return replace(self, fitted=fitted)

    def listed(self) -> str:
        """Return its species in words, for messages."""
        names = [record.id for record in self.species]
        more = f" and {len(names) - 10} more" if len(names) > 10 else ""
        return f"it has {', '.join(names[:10]) or 'none'}{more}"

    def _photos_of(self, species_id: str) -> list[Photo]:
        return [photo for record, _, photo in self._rows() if record.id == species_id]

    def _rows(self) -> list[tuple[SpeciesRecord, np.ndarray, Photo]]:
        return [
            (self.species[owner], self.embeddings[row], self.photos[row])
            for row, owner in enumerate(self.owner.tolist())
        ]


def _sorted(gallery: Gallery, rows: Sequence[tuple[SpeciesRecord, np.ndarray, Photo]]) -> Gallery:
    records: dict[str, SpeciesRecord] = {}
    for record, _, _ in rows:
        records.setdefault(record.id, record)
    order = {key: place for place, key in enumerate(records)}
    rows = sorted(rows, key=lambda row: order[row[0].id])
    points = [row[1] for row in rows]
    return replace(
        gallery,
        species=tuple(records.values()),
        embeddings=np.stack(points).astype(np.float32) if points else gallery.embeddings[:0],
        owner=np.array([order[row[0].id] for row in rows], np.int64),
        photos=tuple(row[2] for row in rows),
    )
