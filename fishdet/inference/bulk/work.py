"""What one worker does: a chunk of addresses to rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import numpy as np
import supervision as sv

from fishdet.errors import FishdetError

from ..detector import Detector
from ..inputs import read_image
from ..writers.rows import COLUMNS, detection_rows
from .addresses import read_bytes
from .parts import Row, error_row

READERS = 8


class Worker:
    """A detector that turns addresses into rows; pictures are fetched while others are looked at.

    Args:
        detector: arguments of ``Detector``.

    Raises:
        FishdetError: as ``Detector``.
    """

    def __init__(self, detector: Mapping[str, Any]) -> None:
        self.detector = Detector(**detector)

    def __call__(self, addresses: Sequence[str]) -> list[Row]:
        """Return a row for each address, in their order."""
        rows: list[Row] = []
        with ThreadPoolExecutor(READERS) as readers:
            loaded = zip(addresses, readers.map(_load, addresses), strict=True)
            for batch in _batches(loaded, self.detector.options.batch_size):
                rows += self._look(batch)
        return rows

    def _look(self, batch: list[tuple[str, np.ndarray | str]]) -> list[Row]:
        images = {a: image for a, image in batch if isinstance(image, np.ndarray)}
        found: dict[str, sv.Detections | str]
        try:
            found = dict(zip(images, self.detector.predict(list(images.values())), strict=True))
        except FishdetError as error:
            if len(batch) > 1:  # which of them it is
                return [row for one in batch for row in self._look([one])]
            found = {address: str(error) for address in images}
        return [_row(address, image, found.get(address)) for address, image in batch]


def _row(address: str, image: np.ndarray | str, found: sv.Detections | str | None) -> Row:
    if isinstance(image, str) or found is None:
        return error_row(address, str(image))
    if isinstance(found, str):
        return error_row(address, found)
    fish = [
        {name: None if value == "" else value for name, value in zip(COLUMNS, row, strict=True)}
        for row in detection_rows(found)
    ]
    size = {"width": image.shape[1], "height": image.shape[0]}
    return {"address": address, **size, "error": None, "count": len(fish), "fish": fish}


def _load(address: str) -> np.ndarray | str:
    """Return the picture, or in words why there is none."""
    try:
        return read_image(read_bytes(address), address)
    except FishdetError as error:
        return str(error)


def _batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
