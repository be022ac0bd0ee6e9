"""A trace as one self-contained HTML page, in English and Korean, with its sliders."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from jinja2 import Template
from markupsafe import Markup

from fish_dataset.page.html import page_environment
from fishdet.inference.detector import Detector

from .data import page_data
from .pictures import photo
from .record import Trace
from .saliency import Saliency, has_captum, saliency
from .stages import stage_values

SALIENCY_FISH = 12  # as many detections get a saliency map
STAGES = ("result", "way", "input", "backbone", "fpn", "anchors", "objectness", "proposals",
          "levels", "roialign", "fc", "scores", "deltas", "final", "saliency")  # fmt: skip


def render(trace: Trace, detector: Detector, lang: str = "en", fish: int = 0) -> str:
    """Return the page; it loads nothing and runs no script but its own.

    Args:
        trace: what to show.
        detector: that the trace was made with.
        lang: the language at first, 'en' or 'ko'; the reader can switch.
        fish: which detection is chosen at first, an index into ``trace.final``.
    """
    seen = look_closer(trace, detector) if has_captum() else None
    data = page_data(trace, seen, _words(), fish)
    start = _start(trace, detector)
    return _template().render(
        lang=lang,
        policy=content_security_policy(),
        css=Markup(_style()),
        script=Markup(_script()),
        stages=STAGES,
        photo=photo(trace.image),
        start=start,
        drawn_only=detector.drawn_only,
        data={**data, "start": start},
        word=_word,
        **stage_values(trace, detector),
    )


def look_closer(trace: Trace, detector: Detector) -> dict[int, Saliency]:
    """Return the saliency of the first detections, by their index into ``trace.final``."""
    shown = range(min(len(trace.final), SALIENCY_FISH))
    return {fish: saliency(detector.network.model, trace, fish) for fish in shown}


@lru_cache(maxsize=1)
def content_security_policy() -> str:
    """Return the policy of every trace page, for a server's header too: its own style and script
    by their SHA-256, pictures inside the page, and nothing else."""
    return (
        "default-src 'none'; img-src data:; "
        f"style-src {_digest(_style())}; script-src {_digest(_script())}; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@lru_cache(maxsize=1)
def _style() -> str:
    common = files("fish_dataset.page").joinpath("page.css").read_text(encoding="utf-8")
    return common + _own("trace.css")


@lru_cache(maxsize=1)
def _script() -> str:
    return _own("nms.js") + _own("trace.js")


@lru_cache(maxsize=1)
def _words() -> dict[str, list[str]]:
    return json.loads(_own("words.json"))


def _own(name: str) -> str:
    return files("fishdet.trace").joinpath(f"page/{name}").read_text(encoding="utf-8")


def _word(key: str, language: int, values: dict[str, Any]) -> str:
    text = _words()[key][language]
    if "more" in values:
        values = {**values, "more": _words()[values["more"]][language] if values["more"] else ""}
    return text.format(**values) if values else text


@lru_cache(maxsize=1)
def _template() -> Template:
    return page_environment("fishdet.trace", "page").get_template("trace.html")


def _start(trace: Trace, detector: Detector) -> dict[str, float]:
    """Where the sliders stand at first; a threshold by class has no slider: its lowest is taken."""
    own = trace.regions.settings
    limit = own["max_per_img"] if own["max_per_img"] > 0 else max(len(trace.regions.kept), 1)
    return {
        "lowest": own["score_thr"],
        "score_thr": max(own["score_thr"], round(float(np.min(detector.thresholds)), 6)),
        "iou": own["iou_threshold"],
        "most": limit,
    }
