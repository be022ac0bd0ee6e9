"""Reads pictures out of shards: mmengine's backend for ``tar://`` addresses, with a cache."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import OrderedDict
from pathlib import Path
from typing import Any

import fsspec
from filelock import FileLock
from mmengine.fileio import register_backend
from mmengine.fileio.backends import BaseStorageBackend

from fish_dataset.errors import FishDataError

from .address import PREFIX, parse_address

CACHE, CACHE_GB = "FISHDET_SHARD_CACHE", "FISHDET_SHARD_CACHE_GB"
_OPEN = 64  # shards that a process keeps open


@register_backend("tar", prefixes=PREFIX)
class TarBackend(BaseStorageBackend):
    """Bytes of one picture of a shard.

    A shard on this machine is read in place. A far one (``s3://…``) is copied into the folder
    that the environment's ``FISHDET_SHARD_CACHE`` names, once for all processes of the machine,
    those copied first making room beyond ``FISHDET_SHARD_CACHE_GB``; without a folder each picture
    is asked for by its range of bytes.
    """

    def __init__(self) -> None:
        self._files: OrderedDict[str, int] = OrderedDict()

    def get(self, filepath: str | Path) -> bytes:
        """Return the bytes at an address of ``member_address``.

        Raises:
            FishDataError: the shard is missing, shorter than the index says, or not to be had.
        """
        shard, offset, size, name = parse_address(str(filepath))
        try:
            content = self._read(shard, offset, size)
        except Exception as error:  # each file system has its own: aiohttp.ClientError, HttpError
            raise FishDataError(f"{name}: its shard {shard} cannot be read: {error}") from error
        if len(content) < size:
            raise FishDataError(
                f"{name}: its shard {shard} ends before byte {offset + size}; copy it again"
            )
        return content

    def get_text(self, filepath: str | Path, encoding: str = "utf-8") -> str:
        """Return the same as text."""
        return self.get(filepath).decode(encoding)

    def _read(self, shard: str, offset: int, size: int) -> bytes:
        if "://" in shard and not os.environ.get(CACHE):
            system, path = fsspec.core.url_to_fs(shard)
            return bytes(system.cat_file(path, start=offset, end=offset + size))
        return os.pread(self._opened(shard), size, offset)

    def _opened(self, shard: str) -> int:
        # pread has no position to share, so that processes forked from this one may read too
        if shard not in self._files:
            path = cached(shard, Path(os.environ[CACHE])) if "://" in shard else shard
            self._files[shard] = os.open(path, os.O_RDONLY)
            while len(self._files) > _OPEN:
                os.close(self._files.popitem(last=False)[1])
        self._files.move_to_end(shard)
        return self._files[shard]


def cached(shard: str, folder: Path) -> Path:
    """Return the copy of a far shard on this machine; it is made if it is not there.

    Raises:
        OSError: it cannot be had, or the disk is full.
    """
    name = f"{hashlib.sha256(shard.encode()).hexdigest()[:16]}-{shard.rsplit('/', 1)[-1]}"
    target = folder / name
    if target.is_file():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f".{name}.lock"):
        if not target.is_file():
            partial = folder / f".{name}.partial"
            with fsspec.open(shard, "rb") as source, partial.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 22)
            os.replace(partial, target)
            make_room(folder, target)
    return target


def make_room(folder: Path, keep: Path) -> None:
    """Remove the shards that were copied first while all are larger than the cache may be."""
    limit = float(os.environ.get(CACHE_GB, "inf")) * 1e9
    found: list[tuple[float, int, Path]] = []
    for path in folder.glob("[!.]*.tar"):
        status: Any = path.stat()
        found.append((status.st_mtime, status.st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= limit:
            return
        if path != keep:  # who has it open reads on: the name goes, the bytes when it is closed
            path.unlink(missing_ok=True)
            total -= size
