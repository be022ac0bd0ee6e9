"""Annotations go to spawned processes by way of one mapped file, not as a copy for each.

Forked processes share arrays as they are. A spawned one is sent a pickle; that of Annotations
would hold every column. Here the columns are written once to a temporary file, and what is pickled
is its path: all processes map the same pages.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterator
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.strings import Strings

_ALIGN = 64
_files: weakref.WeakKeyDictionary[Annotations, SharedFile] = weakref.WeakKeyDictionary()


class Place(NamedTuple):
    """Where an array stands in the file."""

    start: int
    shape: tuple[int, ...]
    dtype: str


class SharedFile(NamedTuple):
    """A file that holds the columns of one ``Annotations``."""

    path: str
    classes: tuple[str, ...]
    places: dict[str, Place]
    meta: tuple[str, ...]


def share(annotations: Annotations) -> SharedFile:
    """Writes ``annotations`` to a temporary file, or names the one written before.

    The file goes when ``annotations`` does, in the process that wrote it.

    Raises:
        OSError: the temporary folder has no room, or cannot be written.
    """
    known = _files.get(annotations)
    if known is not None and os.path.exists(known.path):
        return known
    handle, path = tempfile.mkstemp(prefix="fish-annotations-")
    weakref.finalize(annotations, _remove, path, os.getpid())
    places: dict[str, Place] = {}
    with os.fdopen(handle, "wb") as stream:
        for name, array in _arrays(annotations):
            stream.write(bytes(-stream.tell() % _ALIGN))
            places[name] = Place(stream.tell(), array.shape, array.dtype.str)
            stream.write(array.data.cast("B") if array.size else b"")
    shared = SharedFile(path, annotations.classes, places, tuple(annotations.image_meta))
    _files[annotations] = shared
    return shared


def attach(shared: SharedFile) -> Annotations:
    """The annotations of a file, their columns mapped from it."""
    pages = np.memmap(shared.path, mode="r") if os.path.getsize(shared.path) else np.zeros(0, "u1")
    arrays = {name: _at(pages, place) for name, place in shared.places.items()}
    texts = {
        name: Strings(arrays.pop(f"{name}.data"), arrays.pop(f"{name}.offsets"))
        for name in ("file_names", *(f"meta.{key}" for key in shared.meta))
    }
    return Annotations(
        classes=shared.classes,
        file_names=texts["file_names"],
        image_meta={key: texts[f"meta.{key}"] for key in shared.meta},
        **arrays,
    )


def _arrays(annotations: Annotations) -> Iterator[tuple[str, np.ndarray]]:
    texts = {"file_names": annotations.file_names}
    texts |= {f"meta.{key}": column for key, column in annotations.image_meta.items()}
    for name, column in texts.items():
        yield f"{name}.data", column.buffers[0]
        yield f"{name}.offsets", column.buffers[1]
    for name, value in vars(annotations).items():
        if isinstance(value, np.ndarray) and name != "offsets":
            yield name, value


def _at(pages: np.ndarray, place: Place) -> np.ndarray:
    dtype = np.dtype(place.dtype)
    size = int(np.prod(place.shape, dtype=np.int64)) * dtype.itemsize
    return pages[place.start : place.start + size].view(dtype).reshape(place.shape)


def _remove(path: str, owner: int) -> None:
    if os.getpid() == owner:  # a forked process inherits this, and the file is not its own
        Path(path).unlink(missing_ok=True)


def _reduce(annotations: Annotations) -> Any:
    try:
        return attach, (share(annotations),)
    except OSError:  # no room for the file: each process gets a copy, as with any other object
        return annotations.__reduce__()


ForkingPickler.register(Annotations, _reduce)
