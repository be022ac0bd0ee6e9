"""Text files as people's tools write them: the encoding is found out, never guessed silently."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import BinaryIO, TextIO

from fish_dataset.errors import FishDataError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TRIED = ("utf-8", "cp949")
_CHUNK = 1 << 20


def read_text(path: Path) -> str:
    """The whole text of a file, line ends as ``\\n``; an empty file gives an empty text.

    Raises:
        FishDataError: the file is missing, cannot be read, or is in none of the encodings tried
            (UTF-8 with or without BOM, UTF-16 with BOM, CP949).
    """
    with open_text(path) as stream:
        return stream.read()


def open_text(path: Path, newline: str | None = None) -> TextIO:
    """A text stream on a file of any of the encodings, for what is too large to hold at once.

    Args:
        path: The file.
        newline: As in ``open``; the csv module wants ``''``.

    Raises:
        FishDataError: as ``read_text``; the whole file has been decoded once by then, so that
            reading on raises no UnicodeDecodeError.
    """
    encoding = encoding_of(path)
    try:
        return path.open(encoding=encoding, newline=newline)
    except OSError as error:
        raise _unreadable(path, error) from error


def first_text(path: Path, size: int = 4096) -> str:
    """The first ``size`` bytes as text for a look at what the file is; '' where there is none.

    Never raises: bytes of no known encoding become U+FFFD, a file that cannot be read is empty.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(size)
    except OSError:
        return ""
    encoding = _by_bom(data)
    if encoding is None:
        encoding = next((name for name in _TRIED if _decodes_start(data, name)), "utf-8")
    return data.decode(encoding, errors="replace").rstrip("\ufffd")


def encoding_of(path: Path) -> str:
    """Python's name of the encoding of a text file: by its BOM, else UTF-8, else CP949.

    Raises:
        FishDataError: as ``read_text``.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(4)
            marked = _by_bom(head)
            tried = (marked,) if marked else _TRIED
            for encoding in tried:
                stream.seek(0)
                if _decodes(stream, encoding):
                    return encoding
    except OSError as error:
        raise _unreadable(path, error) from error
    raise FishDataError(
        f"{path}: is no text in any of {', '.join(tried)} (tried in that order); "
        "save it as UTF-8, or see whether the file is what its name says"
    )


def _by_bom(head: bytes) -> str | None:
    return next((name for bom, name in _BOMS if head.startswith(bom)), None)


def _decodes(stream: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while chunk := stream.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeError:  # UTF-16 raises its parent where the BOM is missing
        return False
    return True


def _decodes_start(data: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeError:
        return False
    return True


def _unreadable(path: Path, error: OSError) -> FishDataError:
    if isinstance(error, FileNotFoundError):
        return FishDataError(f"{path}: no such file")
    if isinstance(error, IsADirectoryError):
        return FishDataError(f"{path}: is a folder, a text file is needed")
    return FishDataError(f"{path}: cannot be read: {error.strerror or error}")
