"""What the routes of one running service share, and how they reach it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader

from fishdet.inference.boxes import Boxes

from .access import RateLimit, require_key
from .feedback import FeedbackStore
from .metrics import Metrics
from .model import Model
from .settings import Settings
from .worker import Gate, Worker


@dataclass(frozen=True)
class State:
    """One running service.

    Attributes:
        known: ids of the species that the model names.
        traces: how many traces may be made or wait.
        feedback: None where no corrections are taken.
    """

    settings: Settings
    model: Model
    known: frozenset[str]
    worker: Worker[Boxes]
    gate: Gate
    traces: Gate
    metrics: Metrics
    rate: RateLimit
    feedback: FeedbackStore | None


def state_of(request: Request) -> State:
    """Return the service that a request reached."""
    state: State = request.app.state.service
    return state


_KEY = APIKeyHeader(
    name="X-API-Key", auto_error=False, description="where the service asks for one"
)


async def running(request: Request) -> State:
    """Return the service; not a plain function, which FastAPI would call in a thread of its own."""
    return state_of(request)


async def admitted(request: Request, key: Annotated[str | None, Security(_KEY)]) -> State:
    """Return the service if the client may ask now.

    Raises:
        ServiceError: 401 without a valid key, 429 too often.
    """
    state = state_of(request)
    client = request.client.host if request.client else ""
    state.rate.take(client)
    require_key(key, state.settings.api_keys)
    return state


Admitted = Annotated[State, Depends(admitted)]
Running = Annotated[State, Depends(running)]
