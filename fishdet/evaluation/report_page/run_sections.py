"""Scores of a run as sections of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fish_dataset.page import Figure, Section, Table, Text
from fish_dataset.page.blocks import Block, Cell
from fishdet.plots import running_mean

from ..calibration import reliability
from ..errors.analysis import Analysis
from ..errors.kinds import Kind
from ..errors.precision import RECALLS, Curve, curve, interpolated
from ..intervals.report import FEWEST_GROUPS
from . import figures
from .error_sections import class_names, fixed, speaker
from .further import counts_section

_BINS = 10


def score_sections(analysis: Analysis, record: Mapping[str, Any], lang: str) -> list[Section]:
    """Headline, species, curves, reliability and AP by size.

    Args:
        analysis: Of the run.
        record: What the run wrote: totals by name (``coco/bbox_mAP`` or ``bbox_mAP``), ``species``
            rows, and where the metric has them ``intervals`` {name: [low, high]}, those of species
            in ``bootstrap``, ``reliability`` {edges, counts, confidence, precision}, ``ece`` and
            ``evaluation`` (see ``further``).
        lang: 'en' or 'ko'.
    """
    say, names = speaker(lang), class_names(analysis, lang)
    further = counts_section(record, names, lang)
    return [
        Section(say("headline"), _headline(record, lang)),
        Section(say("per_species"), _species(record, names, lang)),
        Section(say("curves"), _curves(analysis, lang)),
        Section(say("reliability"), _reliability(analysis, record, lang)),
        Section(say("size_ap"), [Figure.from_matplotlib(
            figures.size_ap(analysis.strata["size"], say("size")), say("size_ap"))]),
        *([further] if further else []),
    ]  # fmt: skip


def learning_section(records: Mapping[str, list[dict[str, Any]]] | None, lang: str) -> Section:
    """Loss and AP of the training.

    Args:
        records: ``train`` and ``val`` rows of metrics.json; None without any.
        lang: 'en' or 'ko'.
    """
    say = speaker(lang)
    train = [row for row in (records or {}).get("train", []) if _number(row.get("loss"))]
    val = [row for row in (records or {}).get("val", []) if _number(row.get("coco/bbox_mAP"))]
    blocks: list[Block] = []
    if train:
        steps = [row["iter"] for row in train]
        losses = running_mean(np.array([row["loss"] for row in train])).tolist()
        drawn = figures.learning([(say("loss"), steps, losses)],
                                 (say("iteration"), say("loss")), log=min(losses) > 0)  # fmt: skip
        blocks.append(Figure.from_matplotlib(drawn, say("loss_note")))
    if val:
        epochs = [row["epoch"] for row in val]
        keys = (("mAP", "coco/bbox_mAP"), ("mAP50", "coco/bbox_mAP_50"))
        shown = [(name, epochs, [row.get(key, float("nan")) for row in val]) for name, key in keys]
        drawn = figures.learning(shown, (say("epoch"), "AP"))
        blocks.append(Figure.from_matplotlib(drawn, "AP"))
    return Section(say("learning"), blocks or [Text(say("learning_none"))])


def totals(record: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a record by name, without ``coco/`` and ``bbox_``."""
    found = {key: value for key, value in record.items() if _number(value)}
    return {
        key.removeprefix("coco/").removeprefix("bbox_"): float(value)
        for key, value in found.items()
        if "bbox_" in key
    }


def _headline(record: Mapping[str, Any], lang: str) -> list[Block]:
    say = speaker(lang)
    intervals = record.get("intervals")
    known = intervals if isinstance(intervals, Mapping) else {}
    rows: list[tuple[Cell, ...]] = []
    for name, value in totals(record).items():
        span = known.get(f"bbox_{name}", known.get(name))
        rows.append((name, fixed(value), _span(span)) if known else (name, fixed(value)))
    if known:
        rule = (record.get("bootstrap") or {}).get("rule")
        note = [Text(say("intervals_note", rule=rule))] if rule else []
        return [Table((say("metric"), say("value"), say("interval")), rows), *note]
    return [Table((say("metric"), say("value")), rows), Text(say("no_intervals"))]


def _span(span: Any) -> str | None:
    if isinstance(span, Sequence) and len(span) == 2 and all(map(_number, span)):
        if np.isnan(span).any():
            return None
        return f"{span[0]:.3f} – {span[1]:.3f}"
    return None


def _species(record: Mapping[str, Any], names: Sequence[str], lang: str) -> list[Block]:
    say, found = speaker(lang), list(record.get("species", []))
    spans = (record.get("bootstrap") or {}).get("species") or {}
    rows: list[tuple[Cell, ...]] = []
    for name, row in zip(names, found, strict=True):
        scores = [fixed(_or_nan(row[key])) for key in ("AP", "AP50", "AR")]
        counts = row["images"], row["boxes"], row["detections"]
        span = [_span((spans.get(row["name"]) or {}).get("AP"))] if spans else []
        rows.append((name, scores[0], *span, *scores[1:], *counts))
    interval = [f"AP: {say('interval')}"] if spans else []
    heads = [say("species"), "AP", *interval, "AP50", "AR"]
    heads += [say(key) for key in ("pictures", "boxes", "detections")]
    absent = [name for name, row in zip(names, found, strict=True) if not row["boxes"]]
    note = [Text(say("left_out", names=", ".join(absent)))] if absent else []
    seen = (record.get("bootstrap") or {}).get("species_groups") or {}
    rare = [
        f"{name} ({seen[row['name']]})"
        for name, row in zip(names, found, strict=True)
        if 0 < seen.get(row["name"], 0) < FEWEST_GROUPS
    ]
    if rare:
        note.append(Text(say("rare_groups", number=FEWEST_GROUPS, names=", ".join(rare))))
    return [Table(heads, rows), *note]


def _curves(analysis: Analysis, lang: str) -> list[Block]:
    say, names = speaker(lang), class_names(analysis, lang)
    drawn, points = [], []
    for k, name in enumerate(names):
        line = class_curve(analysis, k)
        if line is None:
            continue
        drawn.append((name, interpolated(line), float(analysis.costs.ap[k])))
        shown = int((line.scores >= analysis.outcome.threshold).sum())
        last = (line.recall[shown - 1], line.precision[shown - 1]) if shown else (0.0, 1.0)
        points.append((float(last[0]), float(last[1])))
    figure = figures.precision_recall(drawn, RECALLS, points, (say("precision"), say("recall")))
    return [Text(say("curves_note")), Figure.from_matplotlib(figure, say("curves"))]


def class_curve(analysis: Analysis, label: int) -> Curve | None:
    """Precision and recall of one class at IoU 0.5; None where it has no box."""
    verdicts = analysis.verdicts
    boxes = int((analysis.annotations.labels[verdicts.counted] == label).sum())
    mine = verdicts.detections.labels == label
    if not boxes:
        return None
    return curve(verdicts.kind[mine] == Kind.RIGHT, verdicts.detections.scores[mine], boxes)


def _reliability(analysis: Analysis, record: Mapping[str, Any], lang: str) -> list[Block]:
    say, held = speaker(lang), record.get("reliability")
    if held is None or not _is_reliability(held):
        right = analysis.verdicts.kind == Kind.RIGHT
        held = reliability(analysis.verdicts.detections.scores, right, _BINS).as_dict()
    if not sum(held["counts"]):
        return [Text(say("none_such"))]
    ece = record.get("ece")
    told = f"D-ECE {ece:.3f}" if _number(ece) and ece is not None else ""
    drawn = figures.reliability(held, (say("score"), say("precision")))
    return [Text(say("reliability_note", ece=told).strip()),
            Figure.from_matplotlib(drawn, say("reliability"))]  # fmt: skip


def _is_reliability(given: object) -> bool:
    return isinstance(given, Mapping) and {"counts", "confidence", "precision"} <= set(given)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
