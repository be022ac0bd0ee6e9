"""Where the errors are: by size, brightness, crowding and position in the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fish_dataset.annotations import Annotations

from ..detections import Detections
from .kinds import Kind, Verdicts
from .outcome import Outcome, Seen
from .precision import class_ap

_CROWDING = ((0, "0"), (1, "1"), (2, "2–4"), (5, "5–9"), (10, "10–19"), (20, "≥ 20"))
POSITIONS = ("top left", "top", "top right", "left", "centre", "right", "bottom left", "bottom",
             "bottom right")  # fmt: skip


@dataclass(frozen=True)
class Stratum:
    """One part of the boxes and detections.

    Attributes:
        name: What it holds.
        boxes: To be found.
        found: Of them, by a detection of their species above the threshold.
        misnamed: Of them, by one of another species.
        missed: Of them, by none.
        false: Detections above the threshold that take no box.
        ap50: Mean AP at IoU 0.5 of the species that have boxes here; NaN without any. A right
            detection is where its box is, a wrong one where itself is, as with COCO's sizes.
    """

    name: str
    boxes: int
    found: int
    misnamed: int
    missed: int
    false: int
    ap50: float

    @property
    def recall(self) -> float:
        """Share of the boxes that were found; NaN without boxes."""
        return self.found / self.boxes if self.boxes else float("nan")

    @property
    def precision(self) -> float:
        """Share of the detections that are right; NaN without detections."""
        shown = self.found + self.misnamed + self.false
        return self.found / shown if shown else float("nan")


def split(
    annotations: Annotations,
    verdicts: Verdicts,
    seen: Outcome,
    names: list[str],
    of_box: np.ndarray,
    of_detection: np.ndarray,
) -> list[Stratum]:
    """Count each part.

    Args:
        annotations: Ground truth.
        verdicts: Of its detections.
        seen: At a threshold.
        names: Of the B parts.
        of_box: (M,) part of each box, -1 for none.
        of_detection: (K,) likewise; where a detection has a box, its box decides.
    """
    box = np.where(verdicts.kind == Kind.RIGHT, verdicts.box, seen.partner)
    placed = of_detection.copy()
    placed[box >= 0] = of_box[box[box >= 0]]
    strata = []
    for part, name in enumerate(names):
        boxes, here = verdicts.counted & (of_box == part), placed == part
        strata.append(
            Stratum(
                name=name,
                boxes=int(boxes.sum()),
                found=int((seen.of_box[boxes] == Seen.RIGHT).sum()),
                misnamed=int((seen.of_box[boxes] == Seen.MISNAMED).sum()),
                missed=int((seen.of_box[boxes] == Seen.WRONG).sum()),
                false=int((seen.of_detection[here] == Seen.WRONG).sum()),
                ap50=_ap50(annotations, verdicts, boxes, here),
            )
        )
    return strata


def sizes(
    annotations: Annotations, verdicts: Verdicts, parts: int = 5
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names and parts of boxes and detections by the root of their area, in equal numbers."""
    side = np.sqrt(np.maximum(annotations.areas.astype(np.float64), 0))
    edges = _quantiles(side[verdicts.counted], parts)
    wh = np.maximum(verdicts.detections.xywh()[:, 2:], 0)
    names = _between(edges, "px")
    return (
        names,
        np.searchsorted(edges, side, "right"),
        np.searchsorted(edges, np.sqrt(wh.prod(1)), "right"),
    )


def crowding(
    annotations: Annotations, verdicts: Verdicts
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """By the number of boxes in the picture that are to be found."""
    number = np.bincount(annotations.box_image[verdicts.counted], minlength=annotations.num_images)
    part = np.searchsorted([low for low, _ in _CROWDING], number, "right") - 1
    return [name for _, name in _CROWDING], *_of_pictures(part, annotations, verdicts.detections)


def brightness(
    annotations: Annotations, verdicts: Verdicts, light: np.ndarray, parts: int = 4
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """By the mean brightness of the picture, (N,) 0 to 255, NaN where it was not measured."""
    known = ~np.isnan(light)
    edges = _quantiles(light[known], parts)
    part = np.where(known, np.searchsorted(edges, np.nan_to_num(light), "right"), -1)
    return _between(edges, ""), *_of_pictures(part, annotations, verdicts.detections)


def positions(
    annotations: Annotations, verdicts: Verdicts
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """By the ninth of the picture that the centre lies in; names are ``POSITIONS``."""
    boxes = annotations.bboxes[:, :2] + annotations.bboxes[:, 2:] / 2
    found = verdicts.detections
    centres = (found.bboxes[:, :2] + found.bboxes[:, 2:]) / 2
    return (
        list(POSITIONS),
        _ninth(boxes, annotations, annotations.box_image),
        _ninth(centres, annotations, found.image_row),
    )


def _ninth(centres: np.ndarray, annotations: Annotations, rows: np.ndarray) -> np.ndarray:
    size = np.stack([annotations.widths[rows], annotations.heights[rows]], 1)
    cell = np.clip(np.floor(3 * centres / size), 0, 2).astype(np.int64)
    return cell[:, 1] * 3 + cell[:, 0]


def _of_pictures(
    part: np.ndarray, annotations: Annotations, found: Detections
) -> tuple[np.ndarray, np.ndarray]:
    return part[annotations.box_image], part[found.image_row]


def _quantiles(values: np.ndarray, parts: int) -> np.ndarray:
    """Inner edges, fewer where values repeat."""
    if not values.size:
        return np.zeros(0)
    edges = np.unique(np.quantile(values, np.linspace(0, 1, parts + 1)[1:-1]))
    return edges[edges > values.min()]


def _between(edges: np.ndarray, unit: str) -> list[str]:
    texts = [f"{edge:.0f}" for edge in edges]
    tail = f" {unit}" if unit else ""
    if not texts:
        return [f"all{tail}"]
    inner = [f"{low}–{high}{tail}" for low, high in zip(texts, texts[1:], strict=False)]
    return [f"< {texts[0]}{tail}", *inner, f"≥ {texts[-1]}{tail}"]


def _ap50(
    annotations: Annotations, verdicts: Verdicts, boxes: np.ndarray, here: np.ndarray
) -> float:
    numbers = np.bincount(annotations.labels[boxes], minlength=len(annotations.classes))
    if not numbers.any():
        return float("nan")
    right = verdicts.kind[here] == Kind.RIGHT
    labels = verdicts.detections.labels[here]
    return float(np.nanmean(class_ap(labels, right, numbers, numbers > 0)))
