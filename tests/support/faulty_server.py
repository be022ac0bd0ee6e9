"""A web server on this machine that misbehaves as told."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class Page:
    """A file of the server.

    ``script`` holds what the next requests meet, one item each: a number of bytes after which the
    connection breaks, or ``(status, headers)`` to answer instead of the file.
    """

    body: bytes
    etag: str | None = '"v1"'
    ranges: bool = True
    heeds_if_range: bool = True
    says_length: bool = True
    script: list = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)


class Web:
    """``web.pages['/name'] = Page(…)``; ``web.url('/name')``; ``web.seen``: path and headers."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        handler = type("Handler", (_Handler,), {"web": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def ranges_asked(self) -> list[str | None]:
        return [headers.get("Range") for _, headers in self.seen]


class _Handler(BaseHTTPRequestHandler):
    web: Web

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.web.seen.append((self.path, dict(self.headers)))
        page = self.web.pages.get(self.path.split("?")[0])
        if page is None:
            self.send_error(404)
            return
        step = page.script.pop(0) if page.script else None
        if isinstance(step, tuple):
            self._reply(step[0], b"", step[1])
        else:
            self._send_file(page, step)

    def _send_file(self, page: Page, breaks_after: int | None) -> None:
        start, status = self._start(page), 200
        headers = {**page.headers, **({"ETag": page.etag} if page.etag else {})}
        if start is not None and start >= len(page.body):
            self._reply(416, b"", {"Content-Range": f"bytes */{len(page.body)}"})
            return
        if start is not None:
            status = 206
            headers["Content-Range"] = f"bytes {start}-{len(page.body) - 1}/{len(page.body)}"
        body = page.body[start or 0 :]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if page.says_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body if breaks_after is None else body[:breaks_after])
            self.wfile.flush()

    def _start(self, page: Page) -> int | None:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if not asked or not page.ranges:
            return None
        if condition and page.heeds_if_range and condition != page.etag:
            return None
        return int(asked[1])

    def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A server on 127.0.0.1 without files."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    site = Web()
    thread = threading.Thread(target=site.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield site
    site.server.shutdown()
    site.server.server_close()
    thread.join()


@pytest.fixture
def page() -> type[Page]:
    """The class of the server's files."""
    return Page
