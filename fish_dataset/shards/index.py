"""Which picture stands where: image id to shard, offset and length, as columns in one file."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fish_dataset.errors import FishDataError
from fish_dataset.files import write_atomic
from fish_dataset.layout import SHARDS

from .address import member_address

_COLUMNS = ("image_ids", "shards", "offsets", "sizes", "names")


@dataclass(frozen=True)
class ShardIndex:
    """The places of all pictures of an annotation file.

    Attributes:
        image_ids: int64 (N,), ascending.
        shards: int32 (N,), the row of ``names``.
        offsets: int64 (N,), of the first byte in the shard.
        sizes: int64 (N,), in bytes.
        names: the shards: relative to ``base``.
        base: folder or fsspec address that the names start from.
    """

    image_ids: np.ndarray
    shards: np.ndarray
    offsets: np.ndarray
    sizes: np.ndarray
    names: tuple[str, ...]
    base: str

    def rows_of(self, image_ids: np.ndarray) -> np.ndarray:
        """Return the row of each image id, int64; -1 where the index has none."""
        rows = np.minimum(np.searchsorted(self.image_ids, image_ids), len(self.image_ids) - 1)
        return np.where(self.image_ids[rows] == image_ids, rows, -1)

    def address(self, row: int, file_name: str) -> str:
        """Return what ``LoadImageFromFile`` reads the picture of a row by."""
        shard = f"{self.base}/{self.names[int(self.shards[row])]}"
        return member_address(shard, int(self.offsets[row]), int(self.sizes[row]), file_name)

    def save(self, path: Path) -> None:
        """Write the index, whole or not at all."""
        columns = {name: getattr(self, name) for name in _COLUMNS[:-1]}

        def write(temporary: Path) -> None:
            with temporary.open("wb") as stream:
                np.savez(stream, **columns, names=np.array(self.names))

        write_atomic(path, write)


def index_of(ann_file: str | os.PathLike) -> Path:
    """Return where the index of an annotation file lies: ``train.shards.npz`` by ``train.json``."""
    return Path(ann_file).with_suffix(SHARDS)


def read_index(path: str | os.PathLike, base: str | None = None) -> ShardIndex:
    """Read an index.

    Args:
        path: of the file.
        base: where the shards are, if not in the folder of the index.

    Raises:
        FishDataError: it is missing or no index.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            columns = {name: data[name] for name in _COLUMNS}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise FishDataError(
            f"{path}: no index of shards ({error}); make it with tools/dataset/shard.py"
        ) from error
    names = tuple(map(str, columns.pop("names")))
    lengths = {len(column) for column in columns.values()}
    bad = len(lengths) != 1 or not len(columns["shards"]) or not names
    if bad or int(columns["shards"].max()) >= len(names) or int(columns["shards"].min()) < 0:
        raise FishDataError(
            f"{path}: its columns do not fit; make it anew (tools/dataset/shard.py)"
        )
    folder = base or str(Path(path).absolute().parent)
    return ShardIndex(**columns, names=names, base=folder.rstrip("/"))
