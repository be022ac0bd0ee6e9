"""From a source in any known format to a data set folder, or out of one to another format."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from fish_dataset.errors import FishDataError
from fish_dataset.files import require_new_folder
from fish_dataset.folder import Transfer
from fish_dataset.formats import named, recognise
from fish_dataset.formats.account import LOSSES, account_document
from fish_dataset.formats.losses import Losses, write_losses
from fish_dataset.formats.nested import check_one_set
from fish_dataset.formats.source import Converted, Format, Options
from fish_dataset.formats.write import WRITERS, not_writable, write_as

TARGETS = ("coco", *WRITERS)
"""What a data set can be written as."""

REPORT = "conversion.json"


@dataclass(frozen=True)
class Conversion:
    """How a conversion went.

    Attributes:
        format: The source's format.
        evidence: How it was recognised, in words.
        account: The document that is written as ``conversion.json``.
    """

    format: Format
    evidence: str
    account: Mapping[str, Any]

    @property
    def lost(self) -> bool:
        """Whether anything of the source was not kept."""
        return bool(self.account["losses"])


def convert(
    source: str | Path,
    out: str | Path,
    *,
    format_name: str | None = None,
    target: str = "coco",
    options: Options | None = None,
    images: Transfer = "copy",
    dry_run: bool = False,
    source_name: str = "",
) -> Conversion:
    """Recognises, reads and writes; nothing in ``source`` is changed.

    Args:
        source: File or folder in a format of ``fish_dataset.formats.FORMATS``.
        out: A folder that is absent or empty.
        format_name: The source's format; by default it is recognised.
        target: One of ``TARGETS``; 'coco' is the folder that training reads.
        options: What the source does not say itself.
        images: Copy the pictures, or link to them.
        dry_run: Read and count only, write nothing.
        source_name: What ``conversion.json`` calls the source, where its path does not last.

    Raises:
        FishDataError: The source or ``out`` cannot be used; the message says why and what to do.
    """
    source = Path(source)
    out = Path(out)
    if target not in TARGETS:
        raise FishDataError(f"--to {target}: choose one of {', '.join(TARGETS)}")
    inner = check_one_set(source, out)
    name = source_name or str(source.resolve())
    chosen, evidence = _format_of(source, format_name, bool(options and options.columns))
    _check_apart(source, out)
    if dry_run:
        converted = chosen.read(source, options or Options())
        converted.notes.extend(inner)
        unwritten = not_writable(target, converted.parts)
        account = _account(name, chosen, evidence, target, converted, unwritten)
        return Conversion(chosen, evidence, account)
    require_new_folder(out)
    with _frames_beside(out) as frames:
        converted = chosen.read(source, replace(options or Options(), frames=frames))
        converted.notes.extend(inner)
        unwritten = not_writable(target, converted.parts)
        account = _account(name, chosen, evidence, target, converted, unwritten)
        documents: dict[str, Any] = {REPORT: account}
        if account["losses"]:
            documents[LOSSES] = partial(write_losses, losses=(converted.losses, unwritten[0]))
        # Frames taken from a video are in a folder that goes away: a link to them would break.
        how = "copy" if images == "symlink" and any(frames.iterdir()) else images
        write_as(target, out, converted.parts, images=how, documents=documents)
    return Conversion(chosen, evidence, account)


def _format_of(source: Path, name: str | None, columns: bool) -> tuple[Format, str]:
    if name is None and columns:
        return named("csv"), "--columns, which only tables of boxes have"
    if name is None:
        return recognise(source)
    chosen = named(name)
    if not source.exists():
        raise FishDataError(f"{source}: no such file or folder")
    return chosen, f"--format {name}"


def _check_apart(source: Path, out: Path) -> None:
    folder = (source if source.is_dir() else source.parent).resolve()
    if source.is_dir() and out.resolve().is_relative_to(folder):
        raise FishDataError(
            f"{out}: lies inside the source {source}, which is not to be touched; "
            "give a folder elsewhere"
        )


def _account(
    source: str,
    chosen: Format,
    evidence: str,
    target: str,
    converted: Converted,
    unwritten: tuple[Losses, dict[str, int]],
) -> dict[str, Any]:
    head = {
        "source": source,
        "format": chosen.name,
        "recognised_by": evidence,
        "written_as": target,
    }
    document = account_document(converted, target, *unwritten)
    keys = {key for part in converted.parts.values() for key in part.annotations.image_meta}
    if target != "coco" and keys:
        document["notes"] = [
            *document["notes"],
            f"{target} has no place for the image keys {', '.join(sorted(keys))}; "
            "keep the source for splitting by video or site",
        ]
    return head | document


@contextmanager
def _frames_beside(out: Path) -> Iterator[Path]:
    """An empty folder on the same disk as ``out``, gone at the end."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.frames-", dir=out.parent))
    except OSError as error:
        raise FishDataError(f"{out.parent}: {error.strerror or error}") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
