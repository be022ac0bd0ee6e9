"""Which pictures a user names: files, folders, patterns, lists, tables; local or through fsspec."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import fsspec

from fishdet.errors import FishdetError

from ..inputs import SUFFIXES, find_images

ATTEMPTS, PAUSE = 3, 0.5
COLUMNS = ("address", "path", "file_name", "filename", "image", "url", "uri")
_ABSENT = (404, 410)  # HTTP's words for it
_TABLES, _LISTS = (".csv", ".parquet"), (".txt",)


def find_addresses(
    inputs: Sequence[str], column: str | None = None, skip: Path | None = None
) -> tuple[list[str], int]:
    """Return the addresses that the inputs name, each once, and how many came more than once.

    Files of this machine become absolute paths. Order is that of the inputs; within a folder or a
    pattern it is sorted.

    Args:
        inputs: pictures, folders and patterns, local or as fsspec addresses (``s3://…``,
            ``gs://…``, ``https://…``), and lists of them: ``.txt`` one a line, ``.csv`` and
            ``.parquet`` with a column of them.
        column: name of that column; by default the first of ``COLUMNS`` that is there.
        skip: a local folder that is not searched, such as that of the results.

    Raises:
        FishdetError: one of the inputs names nothing or cannot be read.
    """
    found = [one for text in inputs for one in _expand(text, column, skip)]
    unique = list(dict.fromkeys(found))
    return unique, len(found) - len(unique)


def read_bytes(address: str) -> bytes:
    """Return what stands at an address; one that is far is asked up to three times.

    Raises:
        FishdetError: it cannot be read; says why.
    """
    far = "://" in address
    for attempt in range(1, ATTEMPTS + 1):
        try:
            if not far:
                return Path(address).read_bytes()
            with fsspec.open(address, "rb") as stream:
                return bytes(stream.read())
        except Exception as raised:  # each file system has its own: aiohttp.ClientError, HttpError
            error = _cause(raised)
            if isinstance(error, FileNotFoundError):
                raise FishdetError(f"{address}: there is no such file") from raised
            if not far or attempt == ATTEMPTS or isinstance(error, ImportError):
                raise FishdetError(f"{address}: {_reason(error)}") from raised
            time.sleep(PAUSE * 2**attempt)
    raise AssertionError("unreachable")


def _cause(error: BaseException) -> BaseException:
    """Return what is behind a "no such file": fsspec says so too of a server that is down."""
    while isinstance(error, FileNotFoundError) and error.__cause__ is not None:
        if getattr(error.__cause__, "status", None) in _ABSENT:
            break
        error = error.__cause__
    return error


def _expand(text: str, column: str | None, skip: Path | None) -> Iterator[str]:
    suffix = PurePosixPath(text.split("?")[0]).suffix.lower()
    if suffix in _TABLES:
        yield from _absolute(_column(text, column), text)
    elif suffix in _LISTS:
        lines = (line.strip() for line in _text(text).splitlines())
        yield from _absolute((one for one in lines if one and one[0] != "#"), text)
    elif "://" in text:
        yield from _far(text, suffix)
    else:
        yield from (str(file.path) for file in find_images([text], skip))


def _absolute(addresses: Iterator[str] | Sequence[str], source: str) -> Iterator[str]:
    """Paths of a list that are not absolute stand beside the list."""
    folder = source.rsplit("/", 1)[0] if "://" in source else str(Path(source).absolute().parent)
    none = True
    for address in addresses:
        none = False
        plain = "://" in address or address.startswith("/")
        yield address if plain else f"{folder}/{address}"
    if none:
        raise FishdetError(f"{source}: names no pictures; write one a line")


def _far(address: str, suffix: str) -> Iterator[str]:
    if suffix in SUFFIXES and "*" not in address:
        yield address
        return
    try:
        system, path = fsspec.core.url_to_fs(address)
        files = system.glob(path) if "*" in address else system.find(path)
    except Exception as error:  # see read_bytes
        raise FishdetError(f"{address}: cannot be listed: {_reason(error)}") from error
    pictures = sorted(f for f in files if PurePosixPath(f).suffix.lower() in SUFFIXES)
    if not pictures:
        raise FishdetError(f"{address}: no pictures there ({', '.join(sorted(SUFFIXES))})")
    yield from map(system.unstrip_protocol, pictures)


def _column(address: str, column: str | None) -> list[str]:
    if address.lower().split("?")[0].endswith(".parquet"):
        import pyarrow as pa
        import pyarrow.parquet as pq

        content = pa.BufferReader(read_bytes(address))
        try:
            table = pq.ParquetFile(content)
            name = _chosen(address, column, table.schema_arrow.names)
            values = table.read(columns=[name]).column(name).to_pylist()
        except (OSError, ValueError) as error:
            raise FishdetError(f"{address}: cannot be read as Parquet: {error}") from error
    else:
        rows = csv.DictReader(_text(address).splitlines())
        name = _chosen(address, column, rows.fieldnames or ())
        values = [row[name] for row in rows]
    empty = sum(not value for value in values)
    if empty:
        raise FishdetError(
            f"{address}: column {name!r} is empty in {empty} of {len(values)} rows; fill it or "
            "leave these rows out"
        )
    return [str(value) for value in values]


def _chosen(address: str, column: str | None, names: Sequence[str]) -> str:
    wanted = (column,) if column else COLUMNS
    for name in wanted:
        if name in names:
            return name
    raise FishdetError(
        f"{address}: no column {' or '.join(map(repr, wanted))}; it has "
        f"{', '.join(names) or 'none'}. Name the column of the pictures: --column NAME"
    )


def _text(address: str) -> str:
    try:
        return read_bytes(address).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FishdetError(f"{address}: not UTF-8: {error}") from error


def _reason(error: BaseException) -> str:
    if isinstance(error, ImportError):
        return f"{error}; install what fsspec asks for (pip install s3fs, gcsfs, aiohttp)"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
