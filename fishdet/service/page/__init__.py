"""The web page: plain HTML, CSS and JavaScript modules, as they lie in this folder.

``app.js`` puts the parts together; ``stage.js`` shows a picture with its boxes, ``findings.js`` and
``card.js`` tell what they are, ``correcting.js`` and ``species_search.js`` take corrections,
``history.js`` keeps what was seen on the device, ``words.js`` and ``facts.js`` hold all words in
Korean and English, ``api.js`` asks the service, ``dom.js`` makes elements.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.resources import files

from fastapi import APIRouter, Request, Response

from fishdet.service.errors import ServiceError

router = APIRouter(include_in_schema=False)
START = "index.html"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@router.get("/")
def start(request: Request) -> Response:
    """The page."""
    return _answer(START, request)


@router.get("/page/{name}")
def part(name: str, request: Request) -> Response:
    """A part of the page: a style, a script."""
    return _answer(name, request)


def _answer(name: str, request: Request) -> Response:
    """A file of the page; asked for again, its ETag saves the way."""
    if name not in contents():
        raise ServiceError(404, "not_found", "the page has no such part")
    content, etag = contents()[name]
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=TYPES[_suffix(name)], headers=headers)


@lru_cache(maxsize=1)
def contents() -> dict[str, tuple[bytes, str]]:
    """Return the bytes and the ETag of each part, by name."""
    found = {}
    for file in files(__package__).iterdir():
        if _suffix(file.name) in TYPES:
            content = file.read_bytes()
            found[file.name] = (content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
    return found


def _suffix(name: str) -> str:
    return name[name.rfind(".") :] if "." in name else ""
