"""Which kind of archive a file is, by its first bytes."""

from __future__ import annotations

from pathlib import Path

from fish_dataset.errors import FishDataError

_MAGIC = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\x1f\x8b": "tar.gz",
    b"\xfd7zXZ\x00": "tar.xz",
    b"BZh": "tar.bz2",
    b"\x28\xb5\x2f\xfd": "tar.zst",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!": "rar",
}
_HEAD = 512


def archive_kind(path: Path) -> str:
    """'zip', 'tar', 'tar.gz', 'tar.xz', 'tar.bz2' or 'tar.zst', whatever the file is called.

    Raises:
        FishDataError: no archive, or one that is not read here; the message says what to do.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise FishDataError(f"{path}: cannot be read: {error.strerror or error}") from error
    kind = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), "")
    if not kind and head[257:262] == b"ustar":
        kind = "tar"
    if kind in ("7z", "rar"):
        raise FishDataError(
            f"{path}: is a {kind} archive, which is not unpacked here; unpack it yourself and give "
            "the folder"
        )
    if kind:
        return kind
    if head.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise FishDataError(
            f"{path}: is a web page, not an archive: the host asks for a login or a click first; "
            "download it in a browser and give the file"
        )
    raise FishDataError(f"{path}: is no zip or tar archive ({path.stat().st_size} bytes)")
