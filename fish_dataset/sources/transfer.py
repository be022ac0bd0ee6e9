"""One HTTP exchange of a download: only http and https, from a byte on, into a file.

Ranges, ``If-Range`` and validators as RFC 9110 has them, sections 8.8, 13.1.5 and 14
(https://www.rfc-editor.org/rfc/rfc9110, by way of urllib's and http.client's documentation at
https://docs.python.org/3/library/urllib.request.html).
"""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fish_dataset.errors import FishDataError

SCHEMES = ("http", "https")
BLOCK = 1 << 20  # bytes read at once
NETWORK_ERRORS = (urllib.error.URLError, http.client.HTTPException, OSError)
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")

Progress = Callable[[int, "int | None"], None]  # bytes so far, bytes in all where known


class Broken(Exception):
    """The connection ended early or the answer makes no sense: worth another attempt."""


class Refused(Exception):
    """This address will not do, however often it is asked."""


class Stale(Broken):
    """The server's file is no longer the one that the part is of: begin again."""


@dataclass(frozen=True)
class Validator:
    """How the server named the version of a file: ``ETag`` or ``Last-Modified``, or ''."""

    etag: str = ""
    modified: str = ""

    @property
    def condition(self) -> str:
        """The value for ``If-Range``; '' where nothing serves (weak tags must not be used)."""
        strong = self.etag if self.etag and not self.etag.startswith("W/") else ""
        return strong or self.modified

    def differs(self, other: Validator) -> bool:
        """Whether both name a version and not the same one."""
        if self.etag and other.etag:
            return self.etag != other.etag
        return bool(self.modified and other.modified and self.modified != other.modified)


@dataclass(frozen=True)
class Answer:
    """What a server answered: the body from ``start`` on, of a file of ``total`` bytes."""

    body: http.client.HTTPResponse
    start: int
    total: int | None
    validator: Validator


def check_address(url: str) -> str:
    """Return ``url`` where it can be fetched.

    Raises:
        FishDataError: a scheme other than http and https, no host, or a password in the address.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        host, user = parts.hostname, parts.username
    except ValueError as error:
        raise FishDataError(f"{url}: is no address: {error}") from error
    if parts.scheme.lower() not in SCHEMES:
        raise FishDataError(f"{shown(url)}: only http and https addresses are fetched")
    if not host or user is not None:
        raise FishDataError(f"{shown(url)}: needs a host, and no user name in the address")
    return url


def shown(url: str) -> str:
    """The address without its query, which can hold a key."""
    return url.split("?", 1)[0].split("#", 1)[0]


def request(url: str, start: int, condition: str, timeout: float) -> Answer:
    """Ask for the bytes of ``url`` from ``start`` on, provided ``condition`` still holds.

    Args:
        url: an address that ``check_address`` passed.
        start: the first byte wanted. The answer may begin at 0 all the same.
        condition: for ``If-Range``; '' asks unconditionally.
        timeout: seconds without a byte.

    Raises:
        urllib.error.HTTPError, OSError, http.client.HTTPException: as urllib raises them.
        Broken: an answer that makes no sense.
        Refused: a redirection that is not followed.
    """
    headers = {"User-Agent": "fishdet", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if condition:
            headers["If-Range"] = condition
    asked = urllib.request.Request(url, headers=headers)  # noqa: S310  (schemes are checked)
    response = _opener().open(asked, timeout=timeout)
    try:
        return _understand(response, start)
    except Broken:
        response.close()
        raise


def receive(answer: Answer, part: Path, limit: int, progress: Progress) -> int:
    """Write the body into ``part`` from ``answer.start`` on and return the bytes it then holds.

    Raises:
        FishDataError: a fault of the disk.
        Refused: more than ``limit`` bytes; nothing beyond the limit is written.
        Broken: fewer bytes than announced, or a fault of the network.
    """
    done = answer.start
    with writing(part), part.open("r+b" if part.exists() else "wb", buffering=0) as file:
        file.seek(answer.start)
        file.truncate()
        # Not to the end of the stream: some servers leave the connection open.
        while done != answer.total and (block := _read(answer.body)):
            done += len(block)
            if done > limit:
                raise Refused(f"the server sends more than the limit of {limit} bytes")
            file.write(block)
            progress(done, answer.total)
    if answer.total is not None and done != answer.total:
        raise Broken(f"the connection ended after {done} of {answer.total} bytes")
    return done


@contextmanager
def writing(part: Path) -> Iterator[None]:
    """Make FishDataErrors of faults of the disk: unlike those of the network, they stay.

    Raises:
        FishDataError: in place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise FishDataError(
            f"{part}: cannot be written: {error.strerror or error}; what arrived is kept, run the "
            "command again once there is room"
        ) from error


def _read(body: http.client.HTTPResponse) -> bytes:
    """What has arrived, BLOCK bytes at most: little is lost when the connection breaks."""
    try:
        return body.read1(BLOCK)
    except (OSError, http.client.HTTPException) as error:
        raise Broken(f"the connection broke: {error}") from error


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to http and https only, and never from https back to http."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        check_redirect(req.full_url, newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    def http_error_302(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
    ) -> IO[bytes] | None:
        # urllib itself refuses other schemes, but as an HTTPError that reads like the server's.
        target = headers.get("location") or headers.get("uri")
        if target:
            check_redirect(req.full_url, urllib.parse.urljoin(req.full_url, target))
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def check_redirect(source: str, target: str) -> None:
    """Raise Refused unless ``target`` may be followed to from ``source``."""
    scheme = urllib.parse.urlsplit(target).scheme.lower()
    if scheme not in SCHEMES:
        raise Refused(f"redirects to {shown(target)}; only http and https are followed")
    if scheme == "http" and source.lower().startswith("https:"):
        raise Refused(
            f"redirects from https to {shown(target)}, which anyone on the way could change; it is "
            "not followed"
        )


def _opener() -> urllib.request.OpenerDirector:
    """An opener that has no handler for ``file:``, ``ftp:`` and ``data:`` at all."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener


def _understand(response: http.client.HTTPResponse, start: int) -> Answer:
    headers = response.headers
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Broken(f"the server encodes the file as {headers['Content-Encoding']}, unasked")
    validator = Validator(headers.get("ETag", ""), headers.get("Last-Modified", ""))
    if response.status == 206:
        match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
        if match is None or int(match[1]) != start:
            raise Stale(f"asked for bytes from {start}, got {headers.get('Content-Range')!r}")
        total = None if match[3] == "*" else int(match[3])
        return Answer(response, start, total, validator)
    if response.status != 200:
        raise Broken(f"unexpected status {response.status}")
    length = headers.get("Content-Length", "")
    total = int(length) if length.isdigit() else None
    return Answer(response, 0, total, validator)
