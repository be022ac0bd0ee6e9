"""``POST /v1/detections``: pictures in, fish out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Request, UploadFile
from starlette.concurrency import run_in_threadpool

from .answers import DetectionsAnswer, image_answer
from .errors import ServiceError, busy, documented
from .images import Upload, decode, inspect
from .state import Admitted, State
from .waiting import answers_in_time
from .worker import Full

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
            jobs = [state.worker.submit(picture) for picture in pictures]
            found = await answers_in_time(request, state, jobs)
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
