"""The members of a tar file, read once from front to end through a counting stream."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from fish_dataset.errors import FishDataError
from fish_dataset.sources.archives.kinds import archive_kind
from fish_dataset.sources.archives.member import Member
from fish_dataset.sources.transfer import BLOCK, Progress

_HISTORY = 1 << 16
_LONGEST_HEADER = 1 << 20  # tarfile reads extended headers whole, whatever size they state
_XZ_MEMORY = 1 << 29


def members(path: Path, budget: int, progress: Progress) -> Iterator[Member]:
    """Yield the files of a tar archive in its order.

    Raises:
        FishDataError: more than ``budget`` bytes, a link or a device, no end mark, or zst where
            this Python cannot read it.
        tarfile.TarError, zlib.error, …: damaged.
    """
    size = path.stat().st_size
    with path.open("rb") as raw, _decompressed(raw, archive_kind(path)) as plain:
        stream = _Counted(plain, budget)
        with tarfile.open(fileobj=stream, mode="r:") as archive:  # type: ignore[call-overload]
            while (info := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # a million fill the memory
                _check(info)
                if info.isreg():
                    content = archive.extractfile(info)
                    assert content is not None
                    yield Member(info.name, info.size, content)
                progress(min(raw.tell(), size), size)
            # tarfile takes a bad or missing header for the end; only zeros mark it.
            stream.seek(archive.offset)
            if stream.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
                raise tarfile.ReadError(f"no end mark at byte {archive.offset}")
            while stream.read(BLOCK):
                pass  # to the checksum that ends a compressed stream
            progress(size, size)


def _check(info: tarfile.TarInfo) -> None:
    if info.issym() or info.islnk():
        raise FishDataError(f"member {info.name!r}: is a link, which is not unpacked")
    if not (info.isreg() or info.isdir()):
        raise FishDataError(f"member {info.name!r}: is a device or of another special kind")
    if info.issparse():
        raise FishDataError(f"member {info.name!r}: is a sparse file, which is not unpacked")


@contextmanager
def _decompressed(raw: IO[bytes], kind: str) -> Iterator[IO[bytes]]:
    if kind == "tar":
        yield raw
        return
    if kind == "tar.xz":
        _check_xz_memory(raw)
    openers: dict[str, Any] = {"tar.gz": gzip.open, "tar.bz2": bz2.open, "tar.xz": lzma.open}
    opener = openers.get(kind) or _zstd()
    with opener(raw, "rb") as plain:
        yield plain


def _zstd() -> Any:
    try:
        from compression import zstd
    except ImportError:
        raise FishDataError(
            "zst is read from Python 3.14 on; unpack it yourself (tar --zstd -xf) and give the "
            "folder"
        ) from None
    return zstd.open


def _check_xz_memory(raw: IO[bytes]) -> None:
    """An xz header may ask for a dictionary of gigabytes."""
    head = raw.read(BLOCK)
    raw.seek(0)
    try:
        lzma.LZMADecompressor(memlimit=_XZ_MEMORY).decompress(head, max_length=1)
    except lzma.LZMAError as error:
        raise FishDataError(f"damaged, or asks for too much memory: {error}") from error


class _Counted(io.RawIOBase):
    """A stream that counts what it gives and can step back a little.

    tarfile seeks to the last byte of each member before it reads the next header: one byte back
    where it stands at the end, which a decompressor can only do by beginning again.
    """

    def __init__(self, plain: IO[bytes], budget: int) -> None:
        self.plain, self.budget = plain, budget
        self.history = b""  # the bytes before ``end``
        self.end = self.position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("only from the start")
        if offset < self.end - len(self.history):
            raise FishDataError("members that overlap")
        self.position = min(offset, self.end)
        while self.position < offset:
            if not self.read(min(offset - self.position, BLOCK)):
                break
        return self.position

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > _LONGEST_HEADER + tarfile.BLOCKSIZE:
            raise FishDataError(f"a header of {size} bytes: a bomb?")
        back = self.end - self.position
        before = self.history[len(self.history) - back :][:size] if back else b""
        fresh = self._fresh(size - len(before)) if size > len(before) else b""
        self.position += len(before) + len(fresh)
        return before + fresh

    def _fresh(self, size: int) -> bytes:
        pieces = []
        while size > 0 and (piece := self.plain.read(size)):
            pieces.append(piece)
            size -= len(piece)
        block = b"".join(pieces)
        self.end += len(block)
        if self.end > self.budget:
            raise FishDataError(f"unpacks to more than {self.budget} bytes: a bomb?")
        kept = block if len(block) >= _HISTORY else self.history + block
        self.history = kept[-_HISTORY:]
        return block
