"""A list of JSON objects as columns of the keys that are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from fish_dataset.reading.column import Column, Part, pack, pack_boxes


class Table:
    """N objects, of which some keys are kept; a key that no object has is a column of None.

    Args:
        columns: A column of N values for each key.
        rows: N.
    """

    def __init__(self, columns: Mapping[str, Column], rows: int) -> None:
        self.columns = dict(columns)
        self.rows = rows

    @classmethod
    def of(cls, entries: Iterable[Mapping[str, Any]], keys: Iterable[str]) -> Table:
        """The table of ``entries``."""
        builder = TableBuilder(keys)
        builder.add_dicts(list(entries))
        return builder.table()

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, key: str) -> Column:
        return self.columns[key]

    def entry(self, row: int) -> dict[str, Any]:
        """Object ``row``, None for what it has not."""
        return {key: column[row] for key, column in self.columns.items()}

    def entries(self) -> Iterator[dict[str, Any]]:
        """All objects as ``entry`` gives them, one at a time."""
        for values in zip(*self.columns.values(), strict=True):
            yield dict(zip(self.columns, values, strict=True))


class TableBuilder:
    """Collects objects chunk by chunk; only the values of ``keys`` are kept, as arrays if possible.

    Of 'segmentation', which takes 'bbox' beside it, only what an object without box has.

    Attributes:
        decoder: Decodes a JSON list for ``add``; values of other keys never become objects.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = list(dict.fromkeys(keys))
        fields = [f"f{number}" for number in range(len(self._keys))]
        entry = msgspec.defstruct(
            "Entry",
            [(field, Any, None) for field in fields],
            rename=dict(zip(fields, self._keys, strict=True)),
            gc=False,
        )
        self.decoder = msgspec.json.Decoder(list[entry])  # type: ignore[valid-type]
        self._getters = [attrgetter(field) for field in fields]
        self._parts: dict[str, list[Part]] = {key: [] for key in self._keys}
        self._rows = 0

    def add(self, entries: Sequence[Any]) -> None:
        """Takes what ``decoder`` gave."""
        getters = zip(self._keys, self._getters, strict=True)
        self._add({key: list(map(getter, entries)) for key, getter in getters}, len(entries))

    def add_dicts(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Takes plain dicts."""
        values = {key: [entry.get(key) for entry in entries] for key in self._keys}
        self._add(values, len(entries))

    def table(self) -> Table:
        """What was collected."""
        return Table({key: Column(parts) for key, parts in self._parts.items()}, self._rows)

    def _add(self, chunk: dict[str, list[Any]], rows: int) -> None:
        if "segmentation" in chunk:  # outlines are large, and wanted where there is no box only
            pairs = zip(chunk["segmentation"], chunk["bbox"], strict=True)
            chunk["segmentation"] = [None if bbox else outline for outline, bbox in pairs]
        for key, values in chunk.items():
            self._parts[key].append(pack_boxes(values) if key == "bbox" else pack(values))
        self._rows += rows
