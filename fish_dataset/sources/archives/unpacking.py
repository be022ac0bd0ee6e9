"""Write the members of an archive into a new folder."""

from __future__ import annotations

import gzip
import lzma
import os
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fish_dataset.errors import FishDataError
from fish_dataset.files import replacing, require_new_folder
from fish_dataset.sources.archives import tars, zips
from fish_dataset.sources.archives.kinds import archive_kind
from fish_dataset.sources.archives.member import Member
from fish_dataset.sources.archives.names import Names, is_clutter, safe_name
from fish_dataset.sources.transfer import BLOCK, Progress

# What the readers raise for bytes that make no sense.
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    gzip.BadGzipFile,
    struct.error,
    EOFError,
    NotImplementedError,
    ValueError,
)


@dataclass(frozen=True)
class Limits:
    """What an archive may grow to.

    Attributes:
        files: Members.
        total: Bytes in all.
        ratio: Bytes for each byte of the archive. Pictures stay near 1, annotation JSON reaches 25.
        floor: Bytes that are always allowed, whatever the ratio.
    """

    files: int = 5_000_000
    total: int = 1 << 41
    ratio: int = 200
    floor: int = 64 << 20

    def budget(self, archive_size: int) -> int:
        """The bytes that an archive of ``archive_size`` bytes may unpack to."""
        return min(self.total, max(self.floor, self.ratio * archive_size))


@dataclass
class Unpacked:
    """How many files and bytes came out, and how many members were left out as clutter."""

    files: int = 0
    bytes: int = 0
    clutter: int = 0


def unpack(
    archive: str | os.PathLike,
    out: str | os.PathLike,
    *,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Unpacked:
    """Unpack ``archive`` into the new folder ``out``: the whole of it or nothing.

    Args:
        archive: a zip or tar file (plain, gz, xz, bz2; zst where Python reads it).
        out: a folder that is absent or empty.
        limits: what the archive may grow to.
        progress: called with the bytes done so far and in all (of the archive for tar, unpacked
            for zip).

    Raises:
        FishDataError: no archive, damaged, hostile or beyond the limits; ``out`` cannot be written.
    """
    source, limits = Path(archive), limits or Limits()
    read = zips.members if archive_kind(source) == "zip" else tars.members
    root = require_new_folder(out)
    done, names = Unpacked(), Names()
    with _explained(source, root), replacing(root) as work:
        budget = limits.budget(source.stat().st_size)
        for member in read(source, budget, progress or _ignore):
            _place(member, work, names, done)
            if done.files > limits.files:
                raise FishDataError(f"more than {limits.files} files")
    return done


def _place(member: Member, work: Path, names: Names, done: Unpacked) -> None:
    name = safe_name(member.name)
    if is_clutter(name):
        done.clutter += 1
        return
    if not name:
        raise FishDataError(f"member {member.name!r}: a file without a name")
    names.add(name)
    target = work / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        shutil.copyfileobj(member.content, file, BLOCK)
        written = file.tell()
    if written != member.size:
        raise FishDataError(f"member {name!r}: {written} bytes in place of {member.size}")
    done.files += 1
    done.bytes += written


@contextmanager
def _explained(archive: Path, root: Path) -> Iterator[None]:
    """Name the archive in every error, and say that nothing was unpacked."""
    try:
        yield
    except FishDataError as error:
        raise FishDataError(f"{archive}: {error}; nothing was unpacked") from error
    except _DAMAGED as error:
        reason = str(error) or type(error).__name__
        raise FishDataError(
            f"{archive}: damaged or cut short: {reason}; nothing was unpacked"
        ) from error
    except OSError as error:
        place = error.filename or archive
        raise FishDataError(
            f"{place}: {error.strerror or error}; {root} was not written"
        ) from error


def _ignore(done: int, total: int | None) -> None:
    pass
