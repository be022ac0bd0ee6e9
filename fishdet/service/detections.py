"""``POST /v1/detections``: pictures in, fish out."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, File, Request, UploadFile
from starlette.concurrency import run_in_threadpool

from fishdet.inference.boxes import Boxes

from .answers import DetectionsAnswer, image_answer
from .errors import ServiceError, busy, documented
from .images import Upload, decode, inspect
from .state import Admitted, State
from .worker import FAILURES, Full

router = APIRouter()
REFUSALS = documented(400, 401, 408, 413, 415, 422, 429, 500, 503, 504)


@router.post("/v1/detections", responses=REFUSALS)
async def detect(
    request: Request,
    state: Admitted,
    images: Annotated[list[UploadFile], File(description="JPEG, PNG, WebP, HEIC where available")],
) -> DetectionsAnswer:
    """Find the fish on one or more pictures. Nothing of them is stored."""
    uploads = await checked(state, images)
    try:
        with state.gate.admit(len(uploads), sum(upload.pixels for upload in uploads)):
            pictures = [await run_in_threadpool(decode, one, name_of(i)) for i, one in
                        enumerate(uploads)]  # fmt: skip
            found = await _found(request, state, pictures)
            sizes = [(picture.shape[1], picture.shape[0]) for picture in pictures]
    except Full as error:
        raise busy("all places are taken; try again") from error
    answers = [
        image_answer(state.model, boxes, size) for boxes, size in zip(found, sizes, strict=True)
    ]
    for one in (one for answer in answers for one in answer.detections):
        state.metrics.fish(one.verdict)
    calibrated = state.model.calibration is not None
    return DetectionsAnswer(model=state.model.sha256, calibrated=calibrated, images=answers)


def name_of(index: int) -> str:
    """Return what to call a picture in messages: never the name of the user's file."""
    return f"picture {index + 1}"


async def checked(state: State, images: list[UploadFile]) -> list[Upload]:
    """Return the pictures of a request after a look at their headers.

    Raises:
        ServiceError: too many, or one is refused.
    """
    limits = state.settings
    if len(images) > limits.max_images:
        message = f"{len(images)} pictures; at most {limits.max_images} a request"
        raise ServiceError(413, "too_many_pictures", message)
    uploads = [
        inspect(await image.read(), limits.max_pixels, name_of(index))
        for index, image in enumerate(images)
    ]
    if sum(upload.pixels for upload in uploads) > limits.queue_pixels:
        message = f"the pictures have more than {limits.queue_pixels} pixels together; send fewer"
        raise ServiceError(413, "too_many_pixels", message)
    return uploads


async def _found(request: Request, state: State, pictures: list[np.ndarray]) -> list[Boxes]:
    """The worker's answers; what has not begun when time is up or the client is gone never does."""
    if not state.worker.alive:
        raise busy("the service is stopping")
    jobs: list[Future[Boxes]] = [state.worker.submit(picture) for picture in pictures]
    answers = asyncio.gather(*map(asyncio.wrap_future, jobs))
    away = asyncio.ensure_future(gone(request))
    try:
        both: set[asyncio.Future[Any]] = {answers, away}
        await asyncio.wait(both, timeout=state.settings.timeout_s, return_when="FIRST_COMPLETED")
        if not answers.done():
            answers.cancel()
            message = f"no answer within {state.settings.timeout_s:g} s; try again"
            raise ServiceError(504, "too_slow", message)
        return list(answers.result())
    except FAILURES as error:
        raise ServiceError(500, "failed", "the network failed on a picture") from error
    finally:
        away.cancel()


async def gone(request: Request) -> None:
    """Return when the client has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
