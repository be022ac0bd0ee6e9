"""What a .pth claims about itself, before torch reads it."""

from __future__ import annotations

import zipfile
from pathlib import Path

from fishdet.errors import FishdetError

_ZIP_START = b"PK\x03\x04"
MAX_ENTRIES = 100_000


def check_sums(path: Path) -> None:
    """Hold each entry of a zip that ``torch.save`` wrote against its CRC-32; others pass.

    ``torch.load`` does not compare them: its zip reader is built without.

    Raises:
        FishdetError: the file is cut short, or altered: names the entry.
    """
    if not is_zip(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise FishdetError(f"{path}: no checkpoint, or cut short ({error})") from error
    if damaged is not None:
        raise FishdetError(
            f"{path}: damaged: the check sum of its entry {damaged!r} is wrong; fetch or copy it "
            "again (one saved with torch.serialization.set_crc32_options(False) must be saved anew)"
        )


def is_zip(path: Path) -> bool:
    """Whether a file begins like a zip, as those of ``torch.save`` since PyTorch 1.6 do.

    Raises:
        FishdetError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(4) == _ZIP_START
    except OSError as error:
        raise FishdetError(f"{path} cannot be read: {error.strerror}") from error


def check_torch_zip(path: Path) -> None:
    """Refuse a zip that torch did not write and that would grow when it is read.

    ``torch.save`` stores its entries uncompressed, so together they are smaller than the file;
    ``torch.load`` inflates compressed ones without asking for their size. Other formats of
    ``torch.load`` pass: what is no zip is read by the size of its bytes.

    Raises:
        FishdetError: compressed or overlapping entries, or an archive that two programs could
            read differently (bytes before or behind it).
    """
    if not is_zip(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            entries, behind = archive.infolist(), archive.comment
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise FishdetError(
            f"{path}: cut short, or no checkpoint ({error}); a download may have to be repeated"
        ) from error
    size = path.stat().st_size
    packed = [entry for entry in entries if entry.compress_type != zipfile.ZIP_STORED]
    if packed:
        one = max(packed, key=lambda entry: entry.file_size)
        raise FishdetError(
            f"{path}: entry {one.filename!r} is compressed, {one.compress_size:,} bytes that "
            f"become {one.file_size:,}; torch stores weights uncompressed, so this file is not read"
        )
    total = sum(entry.file_size for entry in entries)
    if total > size or len(entries) > MAX_ENTRIES:
        raise FishdetError(
            f"{path}: {len(entries):,} entries of {total:,} bytes in a file of {size:,}: they "
            "overlap, and the file is not read"
        )
    if behind or (entries and min(entry.header_offset for entry in entries) > 0):
        raise FishdetError(f"{path}: bytes before or behind the archive; torch writes none")
