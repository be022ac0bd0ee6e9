"""How long an answer of the worker is waited for."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any, TypeVar

from fastapi import Request

from .errors import ServiceError, busy
from .state import State
from .worker import FAILURES

Answer = TypeVar("Answer")
GONE = 499  # nobody reads it; the log and the metrics do


async def answers_in_time(
    request: Request, state: State, futures: list[Future[Answer]]
) -> list[Answer]:
    """Return the worker's answers.

    What has not begun when time is up or the client has gone never does.

    Raises:
        ServiceError: 503, the worker is stopping; 504, time is up; 499, the client has gone; 500,
            the network failed.
    """
    if not state.worker.alive:
        raise busy("the service is stopping")
    seconds = state.settings.timeout_s
    answers = asyncio.gather(*map(asyncio.wrap_future, futures))
    away = asyncio.ensure_future(_gone(request))
    try:
        both: set[asyncio.Future[Any]] = {answers, away}
        await asyncio.wait(both, timeout=seconds, return_when="FIRST_COMPLETED")
        if not answers.done():
            answers.cancel()
            if away.done():
                raise ServiceError(GONE, "gone", "the client has gone")
            raise ServiceError(504, "too_slow", f"no answer within {seconds:g} s; try again")
        return list(answers.result())
    except FAILURES as error:
        raise ServiceError(500, "failed", "the network failed on a picture") from error
    finally:
        away.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
