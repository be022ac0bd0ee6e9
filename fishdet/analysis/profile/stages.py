"""Which methods of a detector make up which stage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from .clock import StageClock

ORDER = (
    "load", "transform", "collate", "preprocess", "model", "backbone", "neck", "RPN", "proposals",
    "RPN loss", "sampling", "RoIAlign", "heads", "NMS", "loss", "backward", "optimiser", "other",
)  # fmt: skip
"""The stages in the order of the pipeline."""

Found = tuple[Any, str, str]  # owner, method, stage


@contextmanager
def counting(clock: StageClock, methods: list[Found]) -> Iterator[None]:
    """Let the methods count on ``clock`` as long as this lasts."""
    with ExitStack() as undo:
        for owner, name, stage in methods:
            undo.enter_context(_counted(clock, owner, name, stage))
        yield


@contextmanager
def _counted(clock: StageClock, owner: Any, name: str, stage: str) -> Iterator[None]:
    had = name in vars(owner)
    before = getattr(owner, name)
    setattr(owner, name, clock.wrapped(stage, before))
    try:
        yield
    finally:
        if had:
            setattr(owner, name, before)
        else:
            delattr(owner, name)


def model_methods(model: Any) -> list[Found]:
    """Return what is counted of mmdet's model: one- and two-stage detectors, others by their parts.

    A method that the model does not have is left out, and what no stage claims is "other".
    """
    wanted: list[tuple[Any, str, str]] = [
        (getattr(model, "data_preprocessor", None), "forward", "preprocess"),
        (getattr(model, "backbone", None), "forward", "backbone"),
        (getattr(model, "neck", None), "forward", "neck"),
    ]
    rpn = getattr(model, "rpn_head", None)
    wanted += [
        (rpn, "forward", "RPN"),
        (rpn, "predict_by_feat", "proposals"),
        (rpn, "loss_by_feat", "RPN loss"),
    ]
    roi = getattr(model, "roi_head", None)
    for head in _each(getattr(roi, "bbox_head", None)):
        wanted += [
            (head, "forward", "heads"),
            (head, "predict_by_feat", "NMS"),
            (head, "loss_and_target", "loss"),
        ]
    wanted += [
        (part, "forward", "RoIAlign") for part in _each(getattr(roi, "bbox_roi_extractor", None))
    ]
    for part in (*_each(getattr(roi, "bbox_assigner", None)),):
        wanted.append((part, "assign", "sampling"))
    for part in (*_each(getattr(roi, "bbox_sampler", None)),):
        wanted.append((part, "sample", "sampling"))
    dense = getattr(model, "bbox_head", None)  # of a one-stage detector
    wanted += [
        (dense, "forward", "heads"),
        (dense, "predict_by_feat", "NMS"),
        (dense, "loss_by_feat", "loss"),
    ]
    return [found for found in wanted if found[0] is not None and hasattr(found[0], found[1])]


def _each(part: Any) -> list[Any]:
    """The parts of a cascade, or the one part."""
    if part is None:
        return []
    try:
        return list(part)
    except TypeError:
        return [part]
