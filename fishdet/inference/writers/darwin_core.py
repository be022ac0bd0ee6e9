"""Detections as occurrence records of Darwin Core: one record a species and picture.

Terms: https://dwc.tdwg.org/terms/ (2026-11-25; the list at
https://github.com/tdwg/dwc/blob/master/build/qrg-list.csv). The fish of one species on one picture
are one Occurrence, and ``individualCount`` says how many. ``basisOfRecord`` is MachineObservation,
and nobody has verified the name: ``identificationVerificationStatus`` is unverified.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from fish_dataset.catalogue import find

from ..exif import Taken
from ..files import write_table
from .result import ImageResult

COLUMNS = (
    "occurrenceID", "basisOfRecord", "occurrenceStatus", "individualCount", "scientificName",
    "scientificNameAuthorship", "taxonRank", "vernacularName", "verbatimIdentification",
    "identifiedBy", "identificationVerificationStatus", "identificationRemarks", "eventDate",
    "decimalLatitude", "decimalLongitude", "geodeticDatum", "informationWithheld",
    "associatedMedia",
)  # fmt: skip
_RANKS = frozenset(("species", "genus", "family", "order", "class"))


def write_darwin_core(path: Path, results: Iterable[ImageResult], model: str) -> None:
    """Write ``path`` as CSV; time and place are the photo's own, empty where it has none.

    A class that the catalogue cannot give a scientific name has that field empty; its name is in
    ``verbatimIdentification``.

    Args:
        path: the file.
        results: with ``taken`` and ``digest``.
        model: what identified the fish.

    Raises:
        FishdetError: it cannot be written.
    """
    rows = (row for result in results for row in _records(result, model))
    write_table(path, COLUMNS, rows)


def _records(result: ImageResult, model: str) -> Iterator[list[object]]:
    found = result.detections
    for label in np.unique(found.class_id).tolist():
        same = found[found.class_id == label]
        name, best = str(same.data["name_en"][0]), float(same.confidence.max())
        yield [
            occurrence_id(result, str(same.data["name_en"][0])),
            "MachineObservation",
            "present",
            len(same),
            *_taxon(name),
            name,
            model,
            "unverified",
            f"best detection score {best:.3f}",
            *_event(result.taken or Taken()),
            result.file_name,
        ]


def occurrence_id(result: ImageResult, name: str) -> str:
    """Return an identifier that is the same whenever the same file is looked at again."""
    key = f"{result.digest or result.file_name}/{name}"
    return uuid.uuid5(uuid.NAMESPACE_URL, key).urn


def _taxon(name: str) -> tuple[str, str, str, str]:
    species = find(name)
    if species is None or not species.scientific_name:
        return "", "", "", name
    rank = species.rank if species.rank in _RANKS else ""
    return species.scientific_name, species.authority, rank, name


def _event(taken: Taken) -> tuple[object, ...]:
    place: tuple[object, ...] = ("", "", "")
    if taken.latitude is not None:
        place = (taken.latitude, taken.longitude, taken.datum or "unknown")
    return (taken.date, *place, "coordinates withheld on request" if taken.withheld else "")
