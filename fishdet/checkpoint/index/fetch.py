"""Bring a model onto this machine: from an index, a web address or a hub."""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from fish_dataset.errors import FishDataError
from fish_dataset.sources.byte_progress import bytes_counted
from fish_dataset.sources.download import Expected, download, is_expected
from fishdet.errors import FishdetError

from ..header import read_header
from ..published import SUFFIX, verify
from .cache import cache_folder, offline, require_online
from .entries import HUB, MAX_MODEL, Entry, check_source
from .indexes import Index

SCHEMES = ("http://", "https://", "hf://")
SUFFIXES = (SUFFIX, ".pth", ".pt")
_FILE_NAME = re.compile(r"\w[\w.-]*")


def fetch_entry(index: Index, entry: Entry, folder: Path | None = None) -> Path:
    """Return the file of an entry, fetched where it is not here yet; its sum is checked.

    Args:
        index: the index that has the entry.
        entry: the model.
        folder: where to put the file; by default the cache.

    Raises:
        FishdetError: no address gives the right file; or it is not here and FISHDET_OFFLINE is set.
    """
    local = index.local_file(entry)
    if local is not None and local.is_file():
        return _right(local, entry.expected, index.place)
    target = (folder or cache_folder() / "models") / f"{entry.name}-{entry.sha256[:8]}{SUFFIX}"
    if is_expected(target, entry.expected):
        return target
    addresses = index.addresses(entry)
    if not addresses:
        raise FishdetError(f"{index.place}: model {entry.name!r}: {local} is not there")
    if not all(address.startswith("hf://") for address in addresses):
        require_online(
            f"model {entry.name!r}", f"fetch it once: tools/models.py download {entry.name}"
        )
    return _from_any(addresses, target, entry.expected)


def fetch_address(address: str) -> Path:
    """Return the local copy of a model on the web; it is fetched once.

    Without an index the only sums to hold it against are the digits in its name and, in a
    published model, the one inside.

    Args:
        address: http(s) of a .safetensors or .pth, or ``hf://owner/repo/file[@revision]``.

    Raises:
        FishdetError: another kind of address, or it cannot be fetched or is damaged.
    """
    check_source(address, "model")
    if address.startswith("hf://"):
        return _from_hub(address)
    name = unquote(PurePosixPath(urlsplit(address).path).name)
    if not _FILE_NAME.fullmatch(name) or not name.endswith(SUFFIXES):
        raise FishdetError(f"{address}: the address of a model ends in {', '.join(SUFFIXES)}")
    key = hashlib.sha256(address.encode()).hexdigest()[:16]
    target = cache_folder() / "addresses" / key / name
    if target.is_file() and _fault(target) is None:
        return target
    require_online(address, "fetch it once without that")
    target.unlink(missing_ok=True)
    _download(address, target, Expected())
    fault = _fault(target)
    if fault is not None:
        target.unlink()
        raise FishdetError(f"{address}: {fault}")
    return target


def _from_any(addresses: tuple[str, ...], target: Path, expected: Expected) -> Path:
    reasons: list[str] = []
    for address in addresses:
        if reasons:
            print(f"note: {reasons[-1]}; trying {address}", file=sys.stderr)
        try:
            if address.startswith("hf://"):
                return _right(_from_hub(address), expected, address)
            return _download(address, target, expected)
        except FishdetError as error:
            reasons.append(str(error))
    raise FishdetError("; ".join(reasons))


def _download(address: str, target: Path, expected: Expected) -> Path:
    try:
        with bytes_counted(f"fetching {target.name}") as progress:
            return download(
                address,
                target,
                sha256=expected.sha256,
                size=expected.size,
                limit=MAX_MODEL,
                progress=progress,
            )
    except FishDataError as error:
        raise FishdetError(str(error)) from error


def _from_hub(address: str) -> Path:
    """Fetch by the hub's own client, which has its cache, its lock and the user's token.

    https://huggingface.co/docs/huggingface_hub/guides/download (read 2026-11-25).
    """
    try:
        from huggingface_hub import errors, hf_hub_download
    except ImportError as error:
        raise FishdetError(
            f"{address}: hf:// needs the package huggingface_hub: pip install huggingface_hub; or "
            "give the https address of the file"
        ) from error
    found = HUB.fullmatch(address)
    assert found is not None  # check_source has seen to it
    kinds = [getattr(errors, name, OSError) for name in ("EntryNotFoundError", "HfHubHTTPError")]
    kinds.append(getattr(errors, "RevisionResolutionError", OSError))
    try:
        path = hf_hub_download(
            found["repo"],
            found["file"],
            revision=found["revision"],
            local_files_only=offline(),
        )
    except (OSError, ValueError, *kinds) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise FishdetError(f"{address}: {reason}") from error
    return Path(path)


def _right(path: Path, expected: Expected, source: str) -> Path:
    if not is_expected(path, expected):
        raise FishdetError(
            f"{path}: is not the file that was asked for: {source} states {expected.size} bytes "
            f"with the SHA-256 {expected.sha256}; fetch it again or mend the index"
        )
    return path


def _fault(path: Path) -> str | None:
    if path.suffix != SUFFIX:
        return None
    try:
        verify(path, read_header(path))
    except FishdetError as error:
        return str(error)
    return None
