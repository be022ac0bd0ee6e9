"""``/v1/feedback``: corrections that a user agreed to give, and their deletion."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, File, Form, Header, Response, UploadFile
from pydantic import BaseModel, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from fishdet.errors import FishdetError

from .detections import checked, name_of
from .errors import ServiceError, busy, documented, faults
from .feedback import FeedbackStore
from .images import decode
from .state import Admitted, State
from .worker import Full

router = APIRouter()
CONSENT = "picture-and-boxes-for-training-v1"
SLACK = 1.0  # pixels that rounding may put a box outside


class CorrectedBox(BaseModel):
    """A fish as the user left it."""

    bbox: tuple[float, float, float, float] = Field(description="x, y, width, height, pixels")
    species: str = Field(
        min_length=1, max_length=80, description="a class, an id or a name; 'fish': of no known one"
    )
    origin: Literal["model", "renamed", "moved", "added"]


class Correction(BaseModel):
    """What is sent beside the picture: all fish on it, also those that were right."""

    consent: Literal["picture-and-boxes-for-training-v1"] = Field(
        description="that picture and boxes may be kept and used for training"
    )
    model: str = Field(pattern="^[0-9a-f]{64}$", description="of the answer that was corrected")
    least_chance: float = Field(1, ge=0, le=1, description="of the model's least sure fish")
    boxes: list[CorrectedBox] = Field(max_length=2000)


class Stored(BaseModel):
    """Keep both: the token alone deletes the entry."""

    id: str
    delete_token: str
    enrolled: int = Field(0, description="fish that were added to the gallery")


@router.post("/v1/feedback", status_code=201,
             responses=documented(400, 401, 404, 408, 413, 415, 422, 429, 503, 507))  # fmt: skip
async def give(
    state: Admitted,
    image: Annotated[UploadFile, File()],
    data: Annotated[str, Form(description="JSON of a Correction", max_length=1_000_000)],
) -> Stored:
    """Store a picture (its pixels, no EXIF) with all fish on it, after consent."""
    store = _store(state)
    correction = _parsed(data)
    if store.size() > state.settings.feedback_bytes:
        raise ServiceError(507, "full", "the service takes no more corrections now")
    upload = (await checked(state, [image]))[0]
    try:
        with state.gate.admit(1, upload.pixels):
            pixels = await run_in_threadpool(decode, upload, name_of(0))
            _require_inside(correction, pixels.shape[1], pixels.shape[0])
            boxes = [box.model_dump() for box in correction.boxes]
            papers = correction.model_dump(include={"model", "consent", "least_chance"})
            id_, token = await run_in_threadpool(store.add, pixels, boxes, **papers)
            enrolled = await enrol(state, id_, pixels, boxes)
    except Full as error:
        raise busy("all places are taken; try again") from error
    return Stored(id=id_, delete_token=token, enrolled=enrolled)


async def enrol(state: State, id_: str, pixels: np.ndarray, boxes: list[dict[str, Any]]) -> int:
    """Add the fish that a correction names to the gallery, where the service does that."""
    namer = state.model.namer
    if namer is None or not state.settings.enrol:
        return 0
    work = state.worker.call(lambda: namer.enrol(source_of(id_), pixels, boxes))
    try:
        return int(await asyncio.wrap_future(work))
    except (FishdetError, OSError):  # the worker's log has it; the correction itself is stored
        return 0


def source_of(id_: str) -> str:
    """Return what the fish of a correction are called in the gallery."""
    return f"correction {id_}"


@router.delete("/v1/feedback/{id_}", status_code=204, response_class=Response,
               responses=documented(401, 404, 422, 429))  # fmt: skip
def forget(
    id_: str, state: Admitted, x_delete_token: Annotated[str, Header(max_length=200)]
) -> Response:
    """Delete an entry and its picture for good."""
    if not _store(state).delete(id_, x_delete_token):
        raise ServiceError(404, "not_found", "no such entry, or not with this token")
    namer = state.model.namer
    if namer is not None:  # also where corrections are no longer enrolled
        state.worker.call(lambda: namer.forget(source_of(id_))).result(state.settings.timeout_s)
    return Response(status_code=204)


def _store(state: State) -> FeedbackStore:
    if state.feedback is None:
        raise ServiceError(404, "no_feedback", "this service takes no corrections")
    return state.feedback


def _parsed(data: str) -> Correction:
    try:
        return Correction.model_validate_json(data)
    except ValidationError as error:
        raise ServiceError(422, "invalid", faults(error.errors())) from error


def _require_inside(correction: Correction, width: int, height: int) -> None:
    for number, box in enumerate(correction.boxes, 1):
        x, y, w, h = box.bbox
        inside = min(x, y) >= -SLACK and x + w <= width + SLACK and y + h <= height + SLACK
        if not (inside and w >= 1 and h >= 1):
            message = (
                f"boxes.{number}.bbox {x:g}, {y:g}, {w:g}, {h:g}: x, y, width (from 1), height "
                f"(from 1) inside the picture of {width} × {height}"
            )
            raise ServiceError(422, "invalid", message)
