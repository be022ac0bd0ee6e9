"""Download one file: resumed where it broke off, checked, safe against a second process.

While a file is on its way, ``NAME.part`` holds what arrived and ``NAME.part.json`` which version of
the file that is of (address, ``ETag`` or ``Last-Modified``, size); both stay after Ctrl-C or a
failure, and the next call goes on from there. ``.NAME.lock`` keeps two processes apart.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import ssl
import time
import urllib.error
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from fish_dataset.errors import FishDataError
from fish_dataset.files import file_sha256, read_json, write_json
from fish_dataset.sources.transfer import (
    NETWORK_ERRORS,
    Answer,
    Broken,
    Progress,
    Refused,
    Stale,
    Validator,
    check_address,
    receive,
    request,
    shown,
    writing,
)

ATTEMPTS = 5  # in a row without a byte of progress, for each address
STALE_ATTEMPTS = 3  # times that a part turned out to be of another version, likewise
LONGEST_WAIT = 60.0  # seconds between two attempts
LIMIT = 1 << 40  # bytes of a file whose size nobody stated
_WORTH_RETRYING = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Expected:
    """What is known of a file beforehand: SHA-256 in hex, bytes; None where it is not."""

    sha256: str | None = None
    size: int | None = None

    def __post_init__(self) -> None:
        """Raises FishDataError for a checksum or size that cannot be one."""
        if self.sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", str(self.sha256)):
            raise FishDataError(f"sha256 {self.sha256!r} is not 64 hexadecimal digits")
        if self.size is not None and (not isinstance(self.size, int) or self.size < 0):
            raise FishDataError(f"size {self.size!r} is not a number of bytes")


def download(
    url: str,
    path: str | os.PathLike,
    *,
    sha256: str | None = None,
    size: int | None = None,
    progress: Progress | None = None,
    mirrors: Sequence[str] = (),
    timeout: float = 30.0,
    limit: int = LIMIT,
    backoff: float = 1.0,
) -> Path:
    """Fetch ``url`` to ``path``, or leave the file there that already is the one wanted.

    A file at ``path`` is taken as it is where it has the stated checksum or size, or where neither
    is stated; else it is replaced, once the new one is there and right.

    Args:
        url: an http or https address.
        path: the file to make; its folder is made too.
        sha256: the checksum in hex, where it is known.
        size: bytes, where known.
        progress: called with the bytes so far and the bytes in all (None: not known).
        mirrors: further addresses of the same file, tried in turn.
        timeout: seconds without a byte before the connection is given up.
        limit: bytes of the largest file that is accepted.
        backoff: seconds before the second attempt; each further wait is twice as long.

    Returns:
        ``path``.

    Raises:
        FishDataError: the addresses cannot be fetched, the file is not the one expected, is too
            large, or cannot be written. What arrived stays for the next call, unless it is wrong.
    """
    expected = Expected(sha256.lower() if sha256 else None, size)
    addresses = [check_address(address) for address in (url, *mirrors)]
    target = Path(path)
    limit = min(limit, size) if size is not None else limit
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f".{target.name}.lock")):
            if not is_expected(target, expected):
                job = _Job(target, expected, progress or _ignore, timeout, limit, backoff)
                job.run(addresses)
    except OSError as error:
        raise FishDataError(
            f"{error.filename or target}: {error.strerror or error}; {shown(url)} was not stored"
        ) from error
    return target


def is_expected(path: Path, expected: Expected) -> bool:
    """Whether ``path`` is a file with the expected size and checksum, as far as they are known."""
    if not path.is_file():
        return False
    if expected.size is not None and path.stat().st_size != expected.size:
        return False
    return expected.sha256 is None or file_sha256(path) == expected.sha256


class _Job:
    """One file on its way to ``target``."""

    def __init__(
        self,
        target: Path,
        expected: Expected,
        progress: Progress,
        timeout: float,
        limit: int,
        backoff: float,
    ) -> None:
        self.target, self.expected, self.progress = target, expected, progress
        self.timeout, self.limit, self.backoff = timeout, limit, backoff
        self.part = target.with_name(target.name + ".part")
        self.notes = target.with_name(target.name + ".part.json")

    def run(self, addresses: Sequence[str]) -> None:
        reasons = []
        for url in addresses:
            reason = self.from_address(url)
            if reason is None:
                os.replace(self.part, self.target)
                self.notes.unlink(missing_ok=True)
                return
            reasons.append(f"{shown(url)}: {reason}")
        kept = f". {self.done()} bytes are kept: run the command again to go on" * bool(self.done())
        raise FishDataError("; ".join(reasons) + kept)

    def from_address(self, url: str) -> str | None:
        """Try until the file is there; returns why it will not be, None where it is."""
        failures = stale = 0
        furthest = self.done()
        while True:
            wait = 0.0
            try:
                return self.attempt(url)
            except Refused as error:
                return str(error)
            except urllib.error.HTTPError as error:
                error.close()
                reason = f"the server answers {error.code} {error.reason}".rstrip()
                if error.code not in _WORTH_RETRYING:
                    return reason
                wait = _retry_after(error)
            except Stale as error:
                reason = str(error)
                self.forget()
                stale += 1
            except (Broken, *NETWORK_ERRORS) as error:
                cause = getattr(error, "reason", None) or error
                reason = str(cause) or type(cause).__name__
                if isinstance(cause, ssl.SSLCertVerificationError):
                    return reason
            failures = 0 if self.done() > furthest else failures + 1
            furthest = max(furthest, self.done())
            if failures >= ATTEMPTS or stale > STALE_ATTEMPTS:
                return f"{reason} (given up after {max(failures, stale)} attempts)"
            self.pause(failures, wait)

    def attempt(self, url: str) -> str | None:
        """One exchange; returns what is wrong with the whole file, None where it is right."""
        noted = self.noted(url)
        start = self.done() if noted.usable(self.expected) else 0
        if start and start == (self.expected.size or noted.total):
            return self.fault(resumed=True)
        try:
            answer = request(url, start, noted.validator.condition if start else "", self.timeout)
        except urllib.error.HTTPError as error:
            if error.code == 416 and start:
                raise Stale("the server has no bytes beyond those that arrived before") from error
            raise
        with answer.body:
            self.check(answer, noted)
            with writing(self.notes):
                write_json(self.notes, asdict(_Notes(url, answer.validator, answer.total)))
            receive(answer, self.part, self.limit, self.progress)
        return self.fault(resumed=answer.start > 0)

    def check(self, answer: Answer, noted: _Notes) -> None:
        """Raise unless the answer is of the file that is wanted, and there is room for it."""
        if answer.start and noted.differs(answer):
            raise Stale("the file on the server has changed since its first part arrived")
        if answer.total is None:
            return
        wanted = self.expected.size
        if wanted is not None and answer.total != wanted:
            raise Refused(f"the server has a file of {answer.total} bytes in place of {wanted}")
        if answer.total > self.limit:
            raise Refused(f"{answer.total} bytes are more than the limit of {self.limit}")
        free = shutil.disk_usage(self.part.parent).free
        if answer.total - answer.start > free:
            raise FishDataError(
                f"{self.target}: needs {answer.total - answer.start} bytes, but only {free} are "
                f"free in {self.part.parent}"
            )

    def fault(self, resumed: bool) -> str | None:
        """What is wrong with the whole file, which is then gone; Stale where it had two parts."""
        size, sha256 = self.expected.size, self.expected.sha256
        reason = None
        if size is not None and self.done() != size:
            reason = f"{self.done()} bytes arrived in place of {size}"
        elif sha256 is not None and (found := file_sha256(self.part)) != sha256:
            reason = f"wrong checksum: sha256 {found} in place of {sha256}"
        if reason is None:
            return None
        if resumed:
            raise Stale(reason)
        self.forget()
        return f"{reason}; the file is damaged or another one, and was deleted"

    def noted(self, url: str) -> _Notes:
        """What is known of the part; of another address, its version says nothing."""
        try:
            record = read_json(self.notes)
            notes = _Notes(record["url"], Validator(**record["validator"]), record["total"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return _Notes(url, Validator(), None)
        return notes if notes.url == url else _Notes(url, Validator(), None)

    def done(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self.notes.unlink(missing_ok=True)

    def pause(self, failures: int, wait: float) -> None:
        growing = self.backoff * 2 ** max(failures - 1, 0) * random.uniform(0.5, 1.0)
        time.sleep(min(max(growing, wait), LONGEST_WAIT))


@dataclass(frozen=True)
class _Notes:
    """Which version of which file a part is of."""

    url: str
    validator: Validator
    total: int | None

    def usable(self, expected: Expected) -> bool:
        """Whether a part may be gone on with: a changed file would be noticed."""
        return bool(self.validator.condition) or expected.sha256 is not None

    def differs(self, answer: Answer) -> bool:
        if self.total is not None and answer.total is not None and self.total != answer.total:
            return True
        return self.validator.differs(answer.validator)


def _retry_after(error: urllib.error.HTTPError) -> float:
    text = error.headers.get("Retry-After", "") if error.headers else ""
    return float(text) if text.isdigit() else 0.0


def _ignore(done: int, total: int | None) -> None:
    pass
