"""From a public set's name to a checked data folder: download, unpack, convert, validate."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from fish_dataset.conversion import convert
from fish_dataset.errors import FishDataError
from fish_dataset.files import file_sha256, require_new_folder, write_json
from fish_dataset.folder import Transfer
from fish_dataset.formats import named
from fish_dataset.sources import Source
from fish_dataset.sources.archives import unpack
from fish_dataset.sources.byte_progress import bytes_counted
from fish_dataset.sources.download import download
from fish_dataset.sources.fathomnet import collect
from fish_dataset.sources.fetched import ORIGIN, Fetched, origin
from fish_dataset.validation.run import validate

_PLAIN = {".json", ".csv", ".txt", ".xml"}  # annotation files that come without an archive


@dataclass(frozen=True)
class Order:
    """What to fetch and where to.

    Attributes:
        source: The set.
        out: A folder that is absent or empty.
        downloads: Where archives are kept; a second call goes on with what is there.
        given: Files or one folder that the user has fetched, in place of a download.
        concept: What to ask an API for, for sets that are asked.
        limit: Pictures at most, for the same.
        format: The format, where the table's is not to be taken.
        raw: Unpack only; no conversion and no checks.
    """

    source: Source
    out: Path
    downloads: Path
    given: tuple[Path, ...] = ()
    concept: str = ""
    limit: int | None = None
    format: str = ""
    raw: bool = False


def fetch(order: Order, console: Console, **options: Any) -> Fetched:
    """Fetch a set whose licence the user has accepted.

    Args:
        order: what and where to.
        console: for progress.
        options: for ``download``.

    Returns:
        What came of it; ``order.out`` then holds a data set folder and ``source.json``.

    Raises:
        FishDataError: the order makes no sense, a download fails, an archive is damaged or
            hostile, or its content is of no known format. ``order.out`` is as it was; archives
            stay in ``order.downloads``.
    """
    check_order(order)
    out = require_new_folder(order.out)
    done = Fetched()
    with _work_beside(out) as work:
        root = _content(order, work, done, console, options)
        if order.raw:
            _move(root, out)
        else:
            with _named_as_given(work, order):
                done.conversion = convert(
                    root,
                    out,
                    format_name=_format(root, order),
                    images=_transfer(root, out, order),
                    source_name=_source_name(order),
                )
        write_json(out / ORIGIN, origin(order.source, done.files))
    if not order.raw:
        done.report = validate(out)
    return done


def check_order(order: Order) -> None:
    """Raise FishDataError for an order that cannot be filled, before anything is fetched."""
    source = order.source
    if order.given:
        missing = [str(path) for path in order.given if not path.exists()]
        if missing:
            raise FishDataError(f"--from {missing[0]}: no such file or folder")
        if len(order.given) > 1 and any(path.is_dir() for path in order.given):
            raise FishDataError("--from takes one folder, or one or more files")
        if order.raw and order.given[0].is_dir():
            raise FishDataError("--raw unpacks files; --from gives a folder, which is unpacked")
    elif source.manual:
        raise FishDataError(
            f"{source.name} cannot be downloaded by a program: {source.manual} "
            f"Home page: {source.says('home')}"
        )
    if source.query and not order.given and not order.concept:
        raise FishDataError(f"{source.name} is asked for a concept: add --concept NAME")
    if not source.query and (order.concept or order.limit is not None):
        raise FishDataError(f"--concept and --limit do not go with {source.name}")
    if order.limit is not None and order.limit < 1:
        raise FishDataError(f"--limit {order.limit}: at least 1")


def _format(root: Path, order: Order) -> str | None:
    """The format to read: the user's word, else the table's where the files bear it out (a set may
    have been fetched from another place, in another format), else what is recognised."""
    name = order.format or order.source.format
    if order.format or not name or named(name).recognise(root) is not None:
        return name or None
    return None


def _source_name(order: Order) -> str:
    """The files or the folder that the user gave; for downloads, the set's name."""
    return ", ".join(map(str, order.given)) or order.source.name


@contextmanager
def _named_as_given(work: Path, order: Order) -> Iterator[None]:
    """Names paths in messages as the archive has them: the folder of unpacked files goes away."""
    try:
        yield
    except FishDataError as error:
        if str(work) not in str(error):
            raise
        files = order.given or [Path(file.name) for file in order.source.files]
        name = files[0].name if len(files) == 1 else _source_name(order)
        kept = f"\nAdd --format NAME to {_source_name(order)}'s command, or --raw to only unpack it"
        raise FishDataError(str(error).replace(str(work), name) + kept, error.findings) from error


def _content(
    order: Order, work: Path, done: Fetched, console: Console, options: dict[str, Any]
) -> Path:
    """The folder with the set's files as they were published."""
    if order.given and order.given[0].is_dir():
        return order.given[0]
    if order.source.query and not order.given:
        folder = order.downloads / re.sub(r"\W+", "-", order.concept).lower()
        done.faults = collect(order.source.query, order.concept, folder, order.limit, **options)
        done.files.append({"url": order.source.query, "concept": order.concept})
        return folder
    paths = list(order.given) or _download_all(order, done, console, options)
    for path in paths:
        _unpack(path, work if len(paths) == 1 else _folder_for(path, work), console)
        if order.given:
            done.files.append(_record(path))
    return _descend(work)


def _download_all(
    order: Order, done: Fetched, console: Console, options: dict[str, Any]
) -> list[Path]:
    paths = []
    for file in order.source.files:
        with bytes_counted(f"downloading {file.name}", console) as progress:
            path = download(
                file.url,
                order.downloads / file.name,
                sha256=file.sha256,
                size=file.size,
                mirrors=file.mirrors,
                progress=progress,
                **options,
            )
        paths.append(path)
        done.files.append({"url": file.url, **_record(path), "checked": file.sha256 is not None})
    return paths


def _record(path: Path) -> dict[str, Any]:
    return {"file": path.name, "size": path.stat().st_size, "sha256": file_sha256(path)}


def _unpack(path: Path, folder: Path, console: Console) -> None:
    if path.suffix.lower() in _PLAIN:
        folder.mkdir(exist_ok=True)
        shutil.copyfile(path, folder / path.name)
        return
    with bytes_counted(f"unpacking {path.name}", console) as progress:
        unpack(path, folder, progress=progress)


def _folder_for(path: Path, work: Path) -> Path:
    folder = work / path.name.split(".")[0]
    return work / path.name if folder.exists() else folder


def _descend(folder: Path) -> Path:
    """The first folder that holds more than one folder alone."""
    while len(entries := list(folder.iterdir())) == 1 and entries[0].is_dir():
        folder = entries[0]
    return folder


def _transfer(root: Path, out: Path, order: Order) -> Transfer:
    """Pictures that lie in our own folders are linked, not copied; a user's are left alone."""
    ours = not (order.given and order.given[0].is_dir())
    return "hardlink" if ours and root.stat().st_dev == out.parent.stat().st_dev else "copy"


def _move(root: Path, out: Path) -> None:
    if out.exists():
        out.rmdir()
    os.replace(root, out)


@contextmanager
def _work_beside(out: Path) -> Iterator[Path]:
    """An empty folder on the same disk as ``out``, gone at the end, also after Ctrl-C."""
    try:
        base = Path(tempfile.mkdtemp(prefix=f".{out.name}.fetch-", dir=out.parent))
    except OSError as error:
        raise FishDataError(f"{out.parent}: {error.strerror or error}") from error
    try:
        work = base / "content"
        work.mkdir()
        yield work
    except OSError as error:
        place = error.filename or out
        raise FishDataError(f"{place}: {error.strerror or error}; {out} is not whole") from error
    finally:
        shutil.rmtree(base, ignore_errors=True)
