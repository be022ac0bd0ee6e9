"""Whole files or none: write beside the target, then rename."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fish_dataset.errors import FishDataError


def write_atomic(path: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then put it in place.

    Raises:
        OSError: what writing raises; the temporary file is gone then and ``path`` untouched.
    """
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as JSON; NaN and infinity, which JSON has not, become null."""
    text = json.dumps(_finite(value), indent=1, ensure_ascii=False, default=str)
    write_atomic(path, lambda temporary: _write_text(temporary, text + "\n"))


def write_documents(folder: Path, documents: Mapping[str, Any]) -> None:
    """Write files into ``folder`` by name: JSON, or whatever a function given in its place writes
    to the path that it is called with."""
    for name, document in documents.items():
        if callable(document):
            document(folder / name)
        else:
            write_json(folder / name, document)


def read_json(path: Path) -> Any:
    """Read a JSON file of ours."""
    return json.loads(path.read_text(encoding="utf-8"))


def file_sha256(path: str | os.PathLike) -> str:
    """Return the SHA-256 of a file in hex.

    Raises:
        OSError: what reading it raises.
    """
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def require_new_folder(out: str | os.PathLike) -> Path:
    """Return ``out`` as a path that a new folder can be made at.

    Raises:
        FishDataError: it is a file or a folder that holds something, one that cannot be replaced
            (a mount point), or its parent cannot be written to.
    """
    path = Path(out)
    if path.is_symlink():
        path = path.resolve()  # the folder takes the place of what the link names
    try:
        if path.exists() and not path.is_dir():
            raise FishDataError(f"{path}: is a file; give a new folder")
        if path.is_dir() and any(path.iterdir()):
            raise FishDataError(f"{path}: holds files already; give a new folder or empty it")
        if path.is_mount():
            raise FishDataError(f"{path}: is where a disk is mounted; give a new folder inside it")
        path.parent.mkdir(parents=True, exist_ok=True)
        probe = _beside(path)
        probe.mkdir()  # to ask for permission is not enough: read-only disks, names too long
        probe.rmdir()
    except OSError as error:
        reason = error.strerror or error
        raise FishDataError(f"{path}: cannot be made: {reason}; give another folder") from error
    return path


def require_writable(folder: Path, flag: str) -> None:
    """Make ``folder`` where it is missing, and try a file in it.

    Args:
        folder: where results will be written.
        flag: the option that names it, for the message.

    Raises:
        FishDataError: it cannot be made or written.
    """
    probe = folder / f".write_test_{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise FishDataError(
            f"{folder} cannot be written: {error.strerror or error}. Choose another folder with "
            f"{flag}, or mend the permission."
        ) from error


@contextmanager
def replacing(root: Path) -> Iterator[Path]:
    """A fresh folder beside ``root`` that takes its place at the end; any error removes it.

    Raises:
        OSError: what making, writing or renaming raises; ``root`` is as it was then.
    """
    work = _beside(root)
    old = root.with_name(f"{work.name}-old")
    try:
        work.mkdir(parents=True)
        yield work
        if root.exists():
            os.replace(root, old)
        os.replace(work, root)
    finally:
        if old.exists() and not root.exists():
            os.replace(old, root)
        for left in (work, old):
            shutil.rmtree(left, ignore_errors=True)


def _beside(root: Path) -> Path:
    return root.with_name(f".{root.name}.partial-{os.getpid()}")


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
