"""What stands behind ``tools/trace.py``."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fish_dataset.files import require_writable, write_atomic, write_json
from fishdet.checkpoint.loading import resolve
from fishdet.errors import FishdetError
from fishdet.inference.detector import Detector
from fishdet.inference.inputs import read_image
from fishdet.inference.thresholds import parse_threshold

from .files import queries_to_arrays, queries_to_plain, to_arrays, to_plain, write_npz
from .queries import is_query_detector, record_queries
from .queries_page import render_queries
from .record import record
from .render import render
from .saliency import NEEDS, has_captum

PAGE = "trace.html"


@dataclass(frozen=True)
class TraceOptions:
    """The command line of ``tools/trace.py``; ``fish`` counts from 1."""

    model: str
    image: Path
    out: Path
    json: bool = False
    npz: bool = False
    lang: str = "en"
    fish: int = 1
    score_thr: str = "0.3"
    config: Path | None = None
    device: str | None = None
    trust_pickle: bool = False


def run(options: TraceOptions) -> str:
    """Trace one picture, write what is asked for, and return what to tell the user.

    Raises:
        FishdetError: the user's mistakes.
        FishDataError: the folder cannot be written.
    """
    if options.out.exists() and not options.out.is_dir():
        raise FishdetError(f"--out {options.out} is a file; name a folder")
    if options.fish < 1:
        raise FishdetError(f"--fish {options.fish}: 1 is the surest fish")
    pixels = read_image(options.image)
    detector = Detector(
        resolve(options.model),
        config=options.config,
        device=options.device,
        score_thr=parse_threshold(options.score_thr.split(",")),
        lang=options.lang,
        precision="fp32",
        trust_pickle=options.trust_pickle,
        runtime="named",
    )
    if is_query_detector(detector):
        return _trace_queries(detector, pixels, options)
    trace = record(detector, pixels)
    _require_fish(options, len(trace.final))
    page = render(trace, detector, options.lang, options.fish - 1)
    require_writable(options.out, "--out")
    write_atomic(options.out / PAGE, lambda temporary: _text(temporary, page))
    told = f"{len(trace.final)} fish, {len(trace.regions.rois)} proposals"
    lines = [told, *_written(options, partial(to_plain, trace), partial(to_arrays, trace))]
    if not has_captum():
        lines.append(f"Without saliency: {NEEDS}")
    return "\n".join(lines)


def _trace_queries(detector: Detector, pixels: np.ndarray, options: TraceOptions) -> str:
    """Trace a detector of queries, which has other stages."""
    trace = record_queries(detector, pixels)
    _require_fish(options, len(trace.query))
    require_writable(options.out, "--out")
    render_queries(trace, options.out / PAGE, options.lang, options.fish - 1)
    data = partial(queries_to_plain, trace), partial(queries_to_arrays, trace)
    told = f"{len(trace.query)} fish, {len(trace.start)} queries"
    return "\n".join([told, *_written(options, *data)])


def _require_fish(options: TraceOptions, found: int) -> None:
    if options.fish > max(found, 1):
        raise FishdetError(
            f"--fish {options.fish}: {found} fish reach the score {options.score_thr}; choose a "
            "smaller number or a lower --score-thr"
        )


def _written(
    options: TraceOptions,
    plain: Callable[[], dict[str, Any]],
    arrays: Callable[[], dict[str, np.ndarray]],
) -> list[str]:
    """Write what is asked for beside the page; return a line for each file."""
    paths = [options.out / PAGE]
    if options.json:
        paths.append(options.out / "trace.json")
        write_json(paths[-1], plain())
    if options.npz:
        paths.append(options.out / "trace.npz")
        write_npz(paths[-1], arrays())
    return [f"Written: {os.fspath(path)}" for path in paths]


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
