"""The report of a run of ``tools/test.py``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fish_dataset.files import read_json

from ...errors import FishdetError
from ..errors.analysis import analyse, brightness
from ..metric import FishMetric
from .page import write_run_page


def write_report(
    folder: Path,
    metric: FishMetric,
    image_dir: Path,
    record: Mapping[str, Any],
    checkpoint: Path,
    lang: str = "en",
) -> Path:
    """Write ``report.html`` into ``folder`` and return its path.

    Args:
        folder: Exists.
        metric: After its evaluation.
        image_dir: Folder of the pictures.
        record: Scores of the run; see ``run_sections.score_sections``.
        checkpoint: What was evaluated; learning curves come from the metrics.json of its run.
        lang: 'en' or 'ko'.

    Raises:
        FishdetError: the metric has scored nothing, or there is nothing to analyse.
        fish_dataset.errors.FishDataError: the page cannot be written.
    """
    if metric.evaluated is None:
        raise FishdetError("no evaluation to report on: the metric has scored nothing yet")
    annotations, detections = metric.evaluated
    analysis = analyse(annotations, detections, light=brightness(annotations, Path(image_dir)))
    page = folder / "report.html"
    write_run_page(
        page,
        _name(checkpoint),
        analysis,
        Path(image_dir),
        record,
        training_records(checkpoint),
        intro=_intro(checkpoint, metric, record.get("settings") or {}),
        lang=lang,
    )
    return page


def _name(checkpoint: Path) -> str:
    """The work dir of a training, or the file's own name where it lies elsewhere."""
    in_work_dir = (checkpoint.parent / "metrics.json").is_file()
    return checkpoint.parent.name if in_work_dir else checkpoint.stem


def _intro(checkpoint: Path, metric: FishMetric, settings: Mapping[str, Any]) -> str:
    scale = settings.get("img_scale")
    parts = [
        checkpoint.name,
        str(metric.ann_file),
        "×".join(map(str, scale)) + " px" if scale else None,
        settings.get("precision"),
        settings.get("views"),
        f"commit {settings['commit'][:10]}" if settings.get("commit") else None,
        settings.get("time"),
    ]
    return ", ".join(part for part in parts if part)


def training_records(checkpoint: Path) -> dict[str, list[dict[str, Any]]] | None:
    """The rows of the ``metrics.json`` beside a checkpoint, or above ``model/``; else None."""
    folders = [checkpoint.parent]
    if checkpoint.parent.name == "model":
        folders.append(checkpoint.parent.parent)
    for folder in folders:
        path = folder / "metrics.json"
        if path.is_file():
            try:
                found = read_json(path)
            except (OSError, ValueError):
                continue  # cut short or another's: the page says that there are no records
            return found if isinstance(found, dict) else None
    return None
