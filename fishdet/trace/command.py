"""What stands behind ``tools/trace.py``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

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
from .record import Trace, record
from .render import render
from .saliency import NEEDS, has_captum


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
    return _write(trace, page, options)


def _trace_queries(detector: Detector, pixels: np.ndarray, options: TraceOptions) -> str:
    """Trace a detector of queries, which has other stages."""
    trace = record_queries(detector, pixels)
    _require_fish(options, len(trace.query))
    require_writable(options.out, "--out")
    written = [options.out / "trace.html"]
    render_queries(trace, written[0], options.lang, options.fish - 1)
    if options.json:
        written.append(options.out / "trace.json")
        write_json(written[-1], queries_to_plain(trace))
    if options.npz:
        written.append(options.out / "trace.npz")
        write_npz(written[-1], queries_to_arrays(trace))
    lines = [f"{len(trace.query)} fish, {len(trace.start)} queries"]
    return "\n".join([*lines, *(f"Written: {os.fspath(path)}" for path in written)])


def _require_fish(options: TraceOptions, found: int) -> None:
    if options.fish > max(found, 1):
        raise FishdetError(
            f"--fish {options.fish}: {found} fish reach the score {options.score_thr}; choose a "
            "smaller number or a lower --score-thr"
        )


def _write(trace: Trace, page: str, options: TraceOptions) -> str:
    written = [options.out / "trace.html"]
    write_atomic(written[0], lambda temporary: _text(temporary, page))
    if options.json:
        written.append(options.out / "trace.json")
        write_json(written[-1], to_plain(trace))
    if options.npz:
        written.append(options.out / "trace.npz")
        write_npz(written[-1], to_arrays(trace))
    lines = [f"{len(trace.final)} fish, {len(trace.regions.rois)} proposals"]
    lines += [f"Written: {os.fspath(path)}" for path in written]
    if not has_captum():
        lines.append(f"Without saliency: {NEEDS}")
    return "\n".join(lines)


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
