"""The error analysis of a command line: what ``tools/analysis/errors.py`` calls."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fish_dataset.files import file_sha256, write_json
from fish_dataset.output import output_folder

from ...checkpoint.loading import resolve
from ...errors import FishdetError
from ..outside import BoxForm
from ..report_page import write_errors_page
from .analysis import Analysis, analyse, as_record, brightness
from .source import read_detections, read_truth


@dataclass(frozen=True)
class ErrorOptions:
    """Choices of one analysis; each mirrors a flag of ``tools/analysis/errors.py``."""

    source: str
    data: Path
    out: Path
    split: str = "val"
    score: float | None = None
    box_form: BoxForm = "xywh"
    pictures: int = 2000
    worst: int = 24
    lang: str = "en"
    device: str | None = None


def write_errors(options: ErrorOptions) -> tuple[Analysis, Path]:
    """Analyse, write ``errors.json`` and ``errors.html``, and return the page's path too.

    Raises:
        FishdetError, fish_dataset.errors.FishDataError: a mistake in predictions, model or data,
            or a folder that cannot be written.
    """
    truth = read_truth(options.data, options.split)
    out = output_folder(options.out, options.data)
    detections = read_detections(options.source, truth, options.box_form, options.device)
    light = brightness(truth.annotations, truth.image_dir, options.pictures)
    analysis = analyse(truth.annotations, detections, threshold=options.score, light=light)
    try:
        record = as_record(analysis) | {"source": _named(options.source)}
        write_json(out / "errors.json", record)
    except OSError as error:
        raise FishdetError(f"{out}: cannot be written: {error.strerror or error}") from error
    page = out / "errors.html"
    name = Path(options.source).stem
    write_errors_page(page, name, analysis, truth.image_dir, options.lang, options.worst)
    return analysis, page


def _named(source: str) -> dict[str, str]:
    """Name and SHA-256 of the results file or model, so that a card is made of its own errors."""
    file = resolve(source)
    return {"file": file.name, "sha256": file_sha256(file)}


def format_costs(analysis: Analysis) -> str:
    """The table of dAP as text."""
    cost = analysis.costs
    lines = [f"AP50 {cost.mean_ap:.3f} on {analysis.annotations.num_images} pictures", ""]
    lines += [f"{'error':9}{'number':>8}{'dAP':>8}"]
    lines += [f"{n:9}{cost.counts[n]:>8}{gain:>8.3f}" for n, gain in cost.main.items()]
    lines += [f"{n:9}{'':>8}{gain:>8.3f}" for n, gain in cost.special.items()]
    if not len(analysis.verdicts.detections):
        lines.append("\nThere is no detection at all: every box is missed.")
    return "\n".join(lines)
