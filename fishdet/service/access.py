"""Who may ask, and how often."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from fishdet.errors import FishdetError

from .digests import digest, same
from .errors import ServiceError

SHORTEST_KEY = 16
CLIENTS = 10_000


def read_keys(path: Path) -> frozenset[str]:
    """Return the SHA-256 of each key in a file: one a line, ``#`` begins a comment.

    Raises:
        FishdetError: the file is unreadable, empty, or a key is shorter than 16 characters.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FishdetError(f"{path}: the file of API keys is not readable: {error}") from error
    keys = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    short = [number for number, key in enumerate(keys, 1) if len(key) < SHORTEST_KEY]
    if short or not keys:
        raise FishdetError(
            f"{path}: {f'key {short[0]} is short' if short else 'no key'}; write one a line, at "
            f"least {SHORTEST_KEY} characters: python -c 'import secrets; "
            "print(secrets.token_urlsafe())'"
        )
    return frozenset(map(digest, keys))


def require_key(key: str | None, allowed: frozenset[str]) -> None:
    """Let a request pass that bears one of the keys, or any where there are none.

    Raises:
        ServiceError: 401.
    """
    if allowed and not any([same(key or "", kept) for kept in sorted(allowed)]):
        message = "send a valid key in the header X-API-Key"
        raise ServiceError(401, "no_key", message, {"WWW-Authenticate": "ApiKey"})


class RateLimit:
    """A token bucket a client: ``rate`` requests a minute, in bursts of up to a third of them.

    The least recently seen clients are forgotten beyond 10,000, so memory is bounded.

    Args:
        rate: requests a minute; 0: no limit.
        clock: seconds, monotonic.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._burst = rate / 60, max(1.0, rate / 3)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> None:
        """Count a request.

        Raises:
            ServiceError: 429, with Retry-After.
        """
        if not self._per_second:
            return
        now = self._clock()
        tokens, then = self._buckets.pop(client, (self._burst, now))
        tokens = min(self._burst, tokens + (now - then) * self._per_second)
        enough = tokens >= 1
        self._buckets[client] = (tokens - enough, now)
        while len(self._buckets) > CLIENTS:
            self._buckets.popitem(last=False)
        if not enough:
            wait = str(int((1 - tokens) / self._per_second) + 1)
            message = f"too many requests; wait {wait} s"
            raise ServiceError(429, "too_many_requests", message, {"Retry-After": wait})
