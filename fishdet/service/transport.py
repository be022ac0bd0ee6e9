"""What holds for every request: limits of its body, headers of its answer, metrics, a log line.

Plain ASGI (https://asgi.readthedocs.io/en/latest/specs/www.html, 2026-11-25), so that a body that
is too large or too slow is refused while it arrives.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import RETRY_S, ServiceError, answer
from .metrics import Metrics
from .settings import Settings

LOG = logging.getLogger("fishdet.service")
CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Transport:
    """Wraps the application; see the module.

    Args:
        app: the application.
        settings: its limits.
        metrics: counts requests and times.
    """

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self.app, self.settings, self.metrics = app, settings, metrics
        self._uploads = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, request_id, status = time.perf_counter(), secrets.token_hex(8), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers["X-Request-Id"] = request_id
                if scope["path"].startswith("/v1/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._bounded(scope, receive, sending)
        finally:
            self._tell(scope, status, time.perf_counter() - began, request_id)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("POST", "PUT", "PATCH"):
            await self.app(scope, receive, send)
            return
        if self._uploads >= 2 * self.settings.queue_images:
            headers = {"Retry-After": str(RETRY_S)}
            full = ServiceError(503, "busy", "too many requests at once; try again", headers)
            await answer(full)(scope, receive, send)
            return
        self._uploads += 1
        try:
            await self._with_body(scope, receive, send)
        finally:
            self._uploads -= 1

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await self._body(scope, receive)
        except ServiceError as error:
            await answer(error)(scope, receive, send)
            return
        if body is None:
            return
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        del body

        async def replay() -> Message:
            return waiting.pop() if waiting else await receive()

        await self.app(scope, replay, send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """The whole body, or None where the client went away."""
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > self.settings.max_bytes:
            raise self._too_large()
        pieces, size, more = [], 0, True
        deadline = time.monotonic() + self.settings.timeout_s
        while more:
            try:
                message = await asyncio.wait_for(receive(), deadline - time.monotonic())
            except (TimeoutError, asyncio.TimeoutError) as error:
                message_ = f"the request did not arrive within {self.settings.timeout_s:g} s"
                raise ServiceError(408, "too_slow", message_, {"Connection": "close"}) from error
            if message["type"] == "http.disconnect":
                return None
            pieces.append(message.get("body", b""))
            size, more = size + len(pieces[-1]), message.get("more_body", False)
            if size > self.settings.max_bytes:
                raise self._too_large()
        return b"".join(pieces)

    def _too_large(self) -> ServiceError:
        limit = f"{self.settings.max_bytes / 2**20:g} MiB"
        message = f"the request is larger than {limit}; send fewer or smaller pictures"
        return ServiceError(413, "too_large", message, {"Connection": "close"})

    def _tell(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        route = getattr(scope.get("route"), "path", "other")
        self.metrics.request(scope["method"], route, status, seconds)
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "id": request_id,
            "method": scope["method"],
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 1),
        }
        LOG.info(json.dumps(line))
