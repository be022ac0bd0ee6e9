"""Errors as a client sees them: a status, a short code, a sentence; never a path or a trace."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

LOG = logging.getLogger("fishdet.service")
RETRY_S = 2
CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed"}


class ServiceError(Exception):
    """A request that is not answered with 200.

    Args:
        status: of HTTP.
        code: a word that a program can compare.
        message: what is wrong and what to do, for a person.
        headers: further headers of the answer.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers = dict(headers or {})


class ErrorBody(BaseModel):
    """What went wrong."""

    code: str = Field(examples=["not_an_image"])
    message: str


class ErrorAnswer(BaseModel):
    """The body of every answer of status 4xx and 5xx."""

    error: ErrorBody


def busy(message: str) -> ServiceError:
    """Return the error of a service that has too much to do: 503 with Retry-After."""
    return ServiceError(503, "busy", message, {"Retry-After": str(RETRY_S)})


def answer(error: ServiceError) -> JSONResponse:
    """Return the error as a response."""
    body = ErrorAnswer(error=ErrorBody(code=error.code, message=error.message))
    return JSONResponse(body.model_dump(), error.status, error.headers)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return ``responses`` for OpenAPI: these statuses with the body of an error."""
    return {status: {"model": ErrorAnswer} for status in statuses}


def add_handlers(app: FastAPI) -> None:
    """Let every failure of ``app`` end as an ``ErrorAnswer``."""
    app.add_exception_handler(ServiceError, _known)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unforeseen)


def _known(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ServiceError)
    return answer(error)


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = CODES.get(error.status_code, "refused")
    return answer(ServiceError(error.status_code, code, str(error.detail), error.headers))


def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return answer(ServiceError(422, "invalid", faults(error.errors())))


def faults(errors: Any) -> str:
    """Return pydantic's errors as one sentence: field, what is wrong; values are not repeated."""
    told = [f"{'.'.join(map(str, one['loc'])) or 'data'}: {one['msg']}" for one in errors]
    return "; ".join(told[:5]) + (f" (and {len(told) - 5} more)" if len(told) > 5 else "")


def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    LOG.error("failed", exc_info=error)
    return answer(ServiceError(500, "failed", "the service failed; its log says why"))
