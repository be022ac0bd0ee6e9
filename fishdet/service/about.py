"""The routes that tell of species, of the model, and of the service's health."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from .answers import ClassName, class_name
from .corrections import CONSENT
from .errors import ServiceError, busy, documented
from .images import known_formats
from .species import SpeciesCard, SpeciesList, species_card, species_list, species_search
from .state import Running

router = APIRouter()


class ModelAnswer(BaseModel):
    """What is served, and its limits."""

    name: str
    sha256: str
    classes: list[str]
    named: list[ClassName] = Field(description="what the classes are called")
    calibrated: bool
    drawn_only: bool = Field(description="whether it has learnt from drawn fish alone, no photos")
    formats: list[str]
    max_images: int
    max_bytes: int
    max_pixels: int
    key_required: bool
    trace: bool = Field(description="whether the stages of the network can be shown")
    feedback: bool = Field(description="whether corrections are taken")
    consent: str = Field(description="what a correction names as its consent")


class Health(BaseModel):
    """'ok'."""

    status: str


@router.get("/v1/model")
def model(state: Running) -> ModelAnswer:
    """Tell what is served, and its limits."""
    limits = state.settings
    return ModelAnswer(
        name=state.model.name,
        sha256=state.model.sha256,
        classes=list(state.model.classes),
        named=[class_name(state.model, label) for label in range(len(state.model.classes))],
        calibrated=state.model.calibration is not None,
        drawn_only=state.model.drawn_only,
        formats=list(known_formats()),
        max_images=limits.max_images,
        max_bytes=limits.max_bytes,
        max_pixels=limits.max_pixels,
        key_required=bool(limits.api_keys),
        trace=state.model.trace is not None,
        feedback=state.feedback is not None,
        consent=CONSENT,
    )


@router.get("/v1/species", responses=documented(422))
def species(
    state: Running, known: bool = False, q: Annotated[str, Query(max_length=80)] = ""
) -> SpeciesList:
    """List the catalogue, species of the model first; with ``known`` only these; with ``q`` what
    that name may mean, the likeliest first, small slips of the pen forgiven."""
    if q.strip():
        return species_search(q, state.known, known)
    return species_list(state.known, known)


@router.get("/v1/species/{id_}", responses=documented(404))
def card(id_: str, state: Running) -> SpeciesCard:
    """Tell all that the catalogue holds of one species, with its sources."""
    found = species_card(id_, state.known)
    if found is None:
        raise ServiceError(404, "not_found", "the catalogue has no entry of this id")
    return found


@router.get("/healthz", responses=documented(503))
def healthz(state: Running) -> Health:
    """Whether the process works; start it anew where it does not."""
    if not state.worker.alive:
        raise busy("the worker has ended")
    return Health(status="ok")


@router.get("/readyz", responses=documented(503))
def readyz(state: Running) -> Health:
    """Whether requests are welcome now."""
    if not state.worker.alive or state.gate.images >= state.settings.queue_images:
        raise busy("stopping, or all places are taken")
    return Health(status="ok")


@router.get("/metrics", include_in_schema=False)
def metrics(state: Running) -> Response:
    """Numbers for Prometheus."""
    return Response(state.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
