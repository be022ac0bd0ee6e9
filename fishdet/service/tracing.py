"""``POST /v1/trace``: a picture in, the page of every stage of the network out.

The answer is a page with scripts of its own, allowed by their digests in its own policy, so a
browser opens it as a page of its own (a form with ``target``); a form sends no headers, hence the
field for the key.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from starlette.concurrency import run_in_threadpool

from fishdet.trace import content_security_policy

from .access import require_key
from .detections import checked, name_of
from .errors import ServiceError, busy, documented
from .images import decode
from .state import Running
from .waiting import answers_in_time
from .worker import Full

router = APIRouter()
AT_ONCE = 2  # one runs, one waits: a trace costs several detections


@router.post("/v1/trace", response_class=Response,
             responses=documented(400, 401, 404, 408, 413, 415, 422, 429, 500, 503, 504)
             | {200: {"content": {"text/html": {}}}})  # fmt: skip
async def trace(
    request: Request,
    state: Running,
    image: Annotated[UploadFile, File()],
    lang: Annotated[Literal["en", "ko"], Form()] = "en",
    key: Annotated[str, Form(max_length=200, description="in place of X-API-Key")] = "",
) -> Response:
    """Return a page that shows each stage of the network on this picture. Nothing is stored."""
    state.rate.take(request.client.host if request.client else "")
    require_key(request.headers.get("x-api-key") or key, state.settings.api_keys)
    make = state.model.trace
    if make is None:
        raise ServiceError(404, "no_trace", "the stages of this model cannot be shown")
    upload = (await checked(state, [image]))[0]
    try:
        with state.traces.admit(1, 0), state.gate.admit(1, upload.pixels):
            pixels = await run_in_threadpool(decode, upload, name_of(0))
            job = state.worker.call(lambda: make(pixels, lang))
            (page,) = await answers_in_time(request, state, [job])
    except Full as error:
        raise busy("all places are taken; try again") from error
    headers = {"Content-Security-Policy": content_security_policy()}
    return Response(page, media_type="text/html; charset=utf-8", headers=headers)
