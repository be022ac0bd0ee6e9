"""The pages themselves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fish_dataset.page import Section, render
from fish_dataset.page.blocks import Cell

from ..errors.analysis import Analysis
from .error_sections import error_sections, picture_sections, speaker
from .run_sections import learning_section, score_sections, totals

WORST, RIGHT = 24, 8


def write_errors_page(
    path: Path, name: str, analysis: Analysis, image_dir: Path, lang: str = "en", worst: int = WORST
) -> None:
    """Write the error analysis with the worst pictures.

    Args:
        path: The HTML file; its folder must exist.
        name: Of the detector, for the heading.
        analysis: Of its detections.
        image_dir: Folder of the pictures.
        lang: 'en' or 'ko'.
        worst: How many pictures are drawn.

    Raises:
        fish_dataset.errors.FishDataError: the file cannot be written.
    """
    sections = [*error_sections(analysis, lang),
                *picture_sections(analysis, image_dir, lang, worst, 0)]  # fmt: skip
    title = speaker(lang)("errors_title", name=name)
    render(path, title, sections, facts=_facts(analysis, {}, lang), lang=lang)


def write_run_page(
    path: Path,
    name: str,
    analysis: Analysis,
    image_dir: Path,
    record: Mapping[str, Any],
    learning: Mapping[str, list[dict[str, Any]]] | None,
    intro: str = "",
    lang: str = "en",
) -> None:
    """Write the report of an evaluation: scores, errors, examples, training.

    Args:
        path: The HTML file; its folder must exist.
        name: Of the run.
        analysis: Of its detections.
        image_dir: Folder of the pictures.
        record: See ``run_sections.score_sections``.
        learning: See ``run_sections.learning_section``.
        intro: Under the heading.
        lang: 'en' or 'ko'.

    Raises:
        fish_dataset.errors.FishDataError: the file cannot be written.
    """
    sections: list[Section] = [
        *score_sections(analysis, record, lang),
        *error_sections(analysis, lang),
        *picture_sections(analysis, image_dir, lang, WORST // 2, RIGHT),
        learning_section(learning, lang),
    ]
    title = speaker(lang)("run_title", name=name)
    render(path, title, sections, facts=_facts(analysis, record, lang), intro=intro, lang=lang)


def _facts(analysis: Analysis, record: Mapping[str, Any], lang: str) -> list[tuple[str, Cell]]:
    say, scores = speaker(lang), totals(record)
    first: list[tuple[str, Cell]] = [
        (key, f"{scores[name]:.3f}") for key, name in (("mAP", "mAP"),) if name in scores
    ]
    return [
        *first,
        ("AP50", f"{analysis.costs.mean_ap:.3f}"),
        ("F1", f"{analysis.outcome.f1:.2f}"),
        (say("threshold"), f"{analysis.outcome.threshold:.2f}"),
        (say("pictures"), analysis.annotations.num_images),
        (say("boxes"), int(analysis.verdicts.counted.sum())),
        (say("detections"), len(analysis.verdicts.detections)),
    ]
