"""Write entries into an index file: whole or not at all, and leave the rest of it as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import unquote, urlsplit

from filelock import FileLock

from fish_dataset.files import write_atomic
from fishdet.errors import FishdetError

from ..header import read_header
from ..published import SUFFIX, read_metadata, verify
from .entries import INDEX, Entry, check_source, checked, parse_index, render, render_index

CARD = "README.md"
_FIGURES = ("mAP", "mAP_50")
_PLACEHOLDERS = ("…", "...", "<", ">", "{", "}")


def entry_of(papers: Mapping[str, Any], sha256: str, size: int, **place: Any) -> Entry:
    """Return the entry of a published file.

    Args:
        papers: what ``published.read_metadata`` returns.
        sha256: its sum, in hex.
        size: its bytes.
        place: ``file`` or ``address``, and where wanted ``name``, ``mirrors`` and ``card``.

    Raises:
        FishdetError: a field that an index cannot have.
    """
    totals = (papers.get("metrics") or {}).get("totals") or {}
    figures = {key: totals.get(f"coco/bbox_{key}") for key in _FIGURES}
    fields = {
        "name": papers["name"],
        "config": papers.get("config_name") or "",
        "data": (papers.get("data") or {}).get("name") or "",
        "licence": papers.get("licence") or "",
        "classes": len(papers["classes"]) or None,
        "metrics": {key: round(n, 4) for key, n in figures.items() if isinstance(n, float)},
    }
    return checked(Entry(**{**fields, **place}, sha256=sha256, size=size), "entry")


def entry_of_file(
    file: Path, index: Path, *, name: str | None, address: str | None, mirrors: Sequence[str] = ()
) -> Entry:
    """Return the entry of a published file for an index.

    Args:
        file: the model; its sums are checked.
        index: the index file that the entry is for.
        name: another name than the model's own.
        address: where others fetch it; by default the file's path below the index.
        mirrors: further addresses.

    Raises:
        FishdetError: no published model; it lies outside the folder of the index and has no
            address; or an address that others cannot fetch a model from.
    """
    papers = read_metadata(file)
    sha256 = verify(file, read_header(file))
    place: dict[str, Any] = {"mirrors": tuple(public_address(m, "--mirror") for m in mirrors)}
    if name:
        place["name"] = name
    if address:
        place["address"] = public_address(address, "--address")
    else:
        place["file"] = _below(file, index)
        card = file.parent / CARD
        place |= {"card": _below(card, index)} if card.is_file() else {}
    return entry_of(papers, sha256, file.stat().st_size, **place)


def public_address(address: str, flag: str) -> str:
    """Return an address that stands in an index for others to fetch from; nothing is asked there.

    Raises:
        FishdetError: another kind than http, https or hf, a placeholder, a host without a name,
            or one that names no file.
    """
    wanted = "give https://host/folder/NAME.safetensors or hf://owner/repo/NAME.safetensors"
    parts = urlsplit(address)
    if parts.scheme in ("", "file"):
        raise FishdetError(
            f"{flag} {address}: is on this machine, and it says where others fetch; {wanted}, "
            "or leave it out and put the file into the folder of the index"
        )
    check_source(address, flag)
    path = unquote(parts.path)
    if any(mark in address for mark in _PLACEHOLDERS) or not parts.netloc:
        raise FishdetError(f"{flag} {address}: is the pattern of an address; {wanted}")
    if not parts.query and not path.partition("@")[0].endswith(SUFFIX):
        raise FishdetError(f"{flag} {address}: names no {SUFFIX} file; {wanted}")
    return address


def add_entry(index: Path, entry: Entry, replace: bool = False) -> None:
    """Write an entry into an index file, which is made where it is missing.

    Args:
        index: the file; comments and other entries in it stay.
        entry: the model.
        replace: put it in the place of the entry of that name.

    Raises:
        FishdetError: there is an entry of that name, the file is no index, or it cannot be written.
    """
    try:
        index.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(index.with_name(f".{index.name}.lock")):
            text = index.read_text(encoding="utf-8-sig") if index.is_file() else ""
            changed = _changed(text or render_index([]), index, entry, replace)
            write_atomic(index, lambda to: _write(to, changed))
    except (OSError, UnicodeDecodeError) as error:
        raise FishdetError(f"{index}: cannot be written: {error}") from error


def index_file(path: Path) -> Path:
    """Return the index that a path names: itself, or ``models.toml`` in a folder."""
    return path if path.suffix == ".toml" else path / INDEX


def _changed(text: str, index: Path, entry: Entry, replace: bool) -> str:
    entries = parse_index(text, str(index))
    if entry.name in entries:
        if not replace:
            raise FishdetError(
                f"{index}: has a model {entry.name!r} already ({entries[entry.name].sha256[:8]}); "
                "give another --name, or --replace"
            )
        text = _without(text, entry.name)
    changed = f"{text.rstrip()}\n\n{render(entry)}"
    try:
        right = parse_index(changed, str(index)) == {**entries, entry.name: entry}
    except FishdetError:
        right = False
    if not right:
        raise FishdetError(
            f"{index}: the entry {entry.name!r} is written in a way that cannot be replaced; "
            "remove it by hand first"
        )
    return changed


def _without(text: str, name: str) -> str:
    """Leave out the lines of a table, from its head to the next."""
    quoted = re.escape(name)
    head = re.compile(rf"""\s*\[models\.({quoted}|"{quoted}"|'{quoted}')(\.[^\]]+)?\]\s*(#.*)?""")
    kept, inside = [], False
    for line in text.splitlines():
        if line.lstrip().startswith("["):
            inside = head.fullmatch(line) is not None
        if not inside:
            kept.append(line)
    return "\n".join(kept)


def _below(file: Path, index: Path) -> str:
    try:
        path: PurePath = file.resolve().relative_to(index.parent.resolve())
    except ValueError as error:
        raise FishdetError(
            f"{file} lies outside {index.parent}, the folder of the index; copy it there, or say "
            "with --address where others fetch it"
        ) from error
    return path.as_posix()


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
