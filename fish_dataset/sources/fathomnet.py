"""Ask FathomNet for a concept: its records, and its pictures one by one.

``GET <api>/images/query/concept/<concept>`` answers with a list of images, each with ``uuid``,
``url``, ``sha256``, ``width``, ``height`` and ``boundingBoxes``; looked up on 2026-11-25 in
https://github.com/fathomnet/fathomnet-py (``images.find_by_concept``, ``dto.AImageDTO``). Not tried
against the real service.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, urlsplit

from fish_dataset.errors import FishDataError
from fish_dataset.files import write_json
from fish_dataset.progress import track
from fish_dataset.sources.download import download

WORKERS = 4  # at once; more is no courtesy to a public service
LARGEST_ANSWER = 1 << 30
LARGEST_PICTURE = 1 << 28
_UUID = re.compile(r"[0-9A-Za-z-]{1,64}")
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}")


def collect(
    api: str, concept: str, folder: Path, limit: int | None = None, **options: Any
) -> list[str]:
    """Make ``folder`` hold ``records.json`` and ``images/<uuid>.<suffix>``.

    What is there from an earlier call is not fetched again (delete ``answer`` to ask anew);
    ``records.json`` lists what arrived.

    Args:
        api: the service's address.
        concept: a name that FathomNet knows, such as 'Sebastes'.
        folder: for this concept alone; made where it is missing.
        limit: pictures at most.
        options: for ``download``.

    Returns:
        Why pictures are missing, one line each.

    Raises:
        FishDataError: no answer, one that makes no sense, no picture of the concept, or none that
            can be had.
    """
    answer = download(
        f"{api.rstrip('/')}/images/query/concept/{quote(concept, safe='')}",
        folder / "answer",
        **{"limit": LARGEST_ANSWER, **options},
    )
    records = _records(answer, concept)[:limit]
    faults: list[str] = []
    kept = []
    with ThreadPoolExecutor(WORKERS) as pool:
        futures = [pool.submit(_picture, record, folder / "images", options) for record in records]
        try:
            pairs = list(zip(records, futures, strict=True))
            for record, future in track(pairs, len(pairs), "pictures"):
                fault = future.result()
                if fault is None:
                    kept.append(record)
                else:
                    faults.append(fault)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    if not kept:
        raise FishDataError(f"{concept}: no picture could be had: {faults[0]}")
    write_json(folder / "records.json", kept)
    return faults


def _records(answer: Path, concept: str) -> list[Any]:
    try:
        records = json.loads(answer.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        answer.unlink()
        raise FishDataError(f"FathomNet's answer for {concept!r} is no JSON: {error}") from error
    if not isinstance(records, list) or not records:
        answer.unlink()
        raise FishDataError(
            f"FathomNet has no picture of {concept!r}; look the concept up at "
            "https://database.fathomnet.org"
        )
    return records


def _picture(record: Any, folder: Path, options: Mapping[str, Any]) -> str | None:
    """Fetch one picture; returns why it is missing, None where it is there."""
    fields = record if isinstance(record, dict) else {}
    uuid, url, sha256 = (fields.get(field) for field in ("uuid", "url", "sha256"))
    if not isinstance(uuid, str) or not _UUID.fullmatch(uuid) or not isinstance(url, str):
        return f"record without uuid and url: {str(record)[:80]}"
    suffix = PurePosixPath(urlsplit(url).path).suffix
    if not _SUFFIX.fullmatch(suffix):
        return f"{uuid}: the picture's address ends in no suffix: {url[:80]}"
    known = sha256 if isinstance(sha256, str) and re.fullmatch(r"[0-9a-fA-F]{64}", sha256) else None
    try:
        download(
            url,
            folder / f"{uuid}{suffix}",
            **{"limit": LARGEST_PICTURE, **options, "sha256": known},
        )
    except FishDataError as error:
        return f"{uuid}: {error}"
    return None
