"""The application: routes and limits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from fishdet.inference.heif import allow_heif

from . import about, corrections, detections, page, tracing
from .access import RateLimit
from .errors import add_handlers
from .feedback import FeedbackStore
from .metrics import Metrics
from .model import Model
from .settings import Settings
from .species import known_ids
from .state import State
from .transport import Transport
from .worker import Gate, Worker


def create_app(
    model: Model, settings: Settings, prepare: Callable[[], object] = lambda: None
) -> FastAPI:
    """Return the application that serves ``model``; its worker runs between start and shutdown.

    Args:
        model: the model.
        settings: limits and switches.
        prepare: what the thread of the network does before its first picture.

    Raises:
        FishdetError: the file of corrections is not usable.
    """
    allow_heif()
    state = _state(model, settings, prepare)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        state.worker.start()
        yield
        state.worker.stop()
        if state.feedback is not None:
            state.feedback.close()

    # Swagger's and ReDoc's pages load scripts of other hosts; /openapi.json stays.
    app = FastAPI(title="fishdet", version="1", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.service = state
    add_handlers(app)
    for part in (detections, tracing, corrections, about, page):
        app.include_router(part.router)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["X-API-Key", "X-Delete-Token"],
        )
    app.add_middleware(Transport, settings=settings, metrics=state.metrics)
    return app


def _state(model: Model, settings: Settings, prepare: Callable[[], object]) -> State:
    gate = Gate(settings.queue_images, settings.queue_pixels)
    metrics = Metrics(lambda: gate.images)
    return State(
        settings=settings,
        model=model,
        known=known_ids(model.classes),
        worker=Worker(model.find, settings.batch_size, metrics.batch, prepare),
        gate=gate,
        traces=Gate(tracing.AT_ONCE, 1),
        metrics=metrics,
        rate=RateLimit(settings.rate),
        feedback=FeedbackStore(settings.feedback) if settings.feedback else None,
    )
