"""Scores of a run as sections of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fish_dataset.page import Figure, Section, Table, Text
from fish_dataset.page.blocks import Block, Cell

from ..calibration import reliability
from ..errors.analysis import Analysis
from ..errors.kinds import Kind
from ..errors.precision import RECALLS, Curve, curve, interpolated
from . import figures
from .error_sections import class_names, fixed, speaker

_BINS = 10


def score_sections(analysis: Analysis, record: Mapping[str, Any], lang: str) -> list[Section]:
    """Headline, species, curves, reliability and AP by size.

    Args:
        analysis: Of the run.
        record: What the run wrote: totals by name (``coco/bbox_mAP`` or ``bbox_mAP``), ``species``
            rows, and where the metric has them ``intervals`` {name: [low, high]}, ``reliability``
            {edges, counts, confidence, precision}, ``ece``.
        lang: 'en' or 'ko'.
    """
    say = speaker(lang)
    return [
        Section(say("headline"), _headline(record, lang)),
        Section(say("per_species"), _species(record, class_names(analysis, lang), lang)),
        Section(say("curves"), _curves(analysis, lang)),
        Section(say("reliability"), _reliability(analysis, record, lang)),
        Section(say("size_ap"), [Figure.from_matplotlib(
            figures.size_ap(analysis.strata["size"], say("size")), say("size_ap"))]),
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
        losses = [row["loss"] for row in train]
        drawn = figures.learning([(say("loss"), steps, losses)],
                                 (say("iteration"), say("loss")), log=min(losses) > 0)  # fmt: skip
        blocks.append(Figure.from_matplotlib(drawn, say("loss")))
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
        text = f"{span[0]:.3f} – {span[1]:.3f}" if _is_span(span) else None
        rows.append((name, fixed(value), text) if known else (name, fixed(value)))
    if known:
        return [Table((say("metric"), say("value"), say("interval")), rows)]
    return [Table((say("metric"), say("value")), rows), Text(say("no_intervals"))]


def _is_span(span: object) -> bool:
    return isinstance(span, Sequence) and len(span) == 2 and all(map(_number, span))


def _species(record: Mapping[str, Any], names: Sequence[str], lang: str) -> list[Block]:
    say, found = speaker(lang), list(record.get("species", []))
    rows: list[tuple[Cell, ...]] = [
        (name, row["images"], row["boxes"], row["detections"],
         *(fixed(_or_nan(row[key])) for key in ("AP", "AP50", "AR")))
        for name, row in zip(names, found, strict=True)
    ]  # fmt: skip
    heads = (say("species"), say("pictures"), say("boxes"), say("detections"), "AP", "AP50", "AR")
    absent = [name for name, row in zip(names, found, strict=True) if not row["boxes"]]
    note = [Text(say("left_out", names=", ".join(absent)))] if absent else []
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
