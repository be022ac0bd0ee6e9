"""The members of a zip file, each checked before its first byte is read."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

from fish_dataset.errors import FishDataError
from fish_dataset.sources.archives.member import Member
from fish_dataset.sources.transfer import Progress

_UTF8_FLAG, _ENCRYPTED_FLAG = 0x800, 0x1


def members(path: Path, budget: int, progress: Progress) -> Iterator[Member]:
    """Yield the files of a zip archive in the order of its directory.

    zipfile stops at the size that the directory states and compares the CRC, so the sum of the
    stated sizes bounds what is ever inflated.

    Raises:
        FishDataError: encrypted, more than ``budget`` bytes, a link or a device.
        zipfile.BadZipFile, zlib.error, …: damaged.
    """
    with zipfile.ZipFile(path) as archive:
        files = [info for info in archive.infolist() if _is_file(info)]
        total = sum(info.file_size for info in files)
        if total > budget:
            raise FishDataError(f"would unpack to {total} bytes, more than {budget}: a bomb?")
        done = 0
        for info in files:
            with archive.open(info) as content:
                yield Member(member_name(info), info.file_size, content)
            done += info.file_size
            progress(done, total)


def member_name(info: zipfile.ZipInfo) -> str:
    """The member's name; where it is not UTF-8, as Korean Windows writes it (CP949).

    zipfile itself would cut the name at a NUL and read names without the UTF-8 flag as CP437.
    """
    name = info.orig_filename
    if info.flag_bits & _UTF8_FLAG:
        return name
    raw = name.encode("cp437")
    for encoding in ("utf-8", "cp949"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return name


def _is_file(info: zipfile.ZipInfo) -> bool:
    name = member_name(info)
    if info.flag_bits & _ENCRYPTED_FLAG:
        raise FishDataError(f"member {name!r}: is encrypted; unpack it yourself, give the folder")
    mode = stat.S_IFMT(info.external_attr >> 16)
    if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise FishDataError(f"member {name!r}: is a link or a device, which is not unpacked")
    return not (name.endswith("/") or mode == stat.S_IFDIR)
