"""What an evaluation gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict


class ClassRow(TypedDict):
    """Scores of one class. AP, AP50 and AR are NaN where the images hold no box of it."""

    name: str
    AP: float
    AP50: float
    AR: float
    images: int
    boxes: int
    detections: int


@dataclass(frozen=True)
class CocoReport:
    """Result of one evaluation.

    Attributes:
        totals: ``bbox_mAP``, ``bbox_mAP_50``, ``bbox_mAP_75``, ``bbox_mAP_s``, ``_m``, ``_l``;
            ``bbox_AR_<n>`` for each n of ``max_dets`` (1, 10, 100); ``bbox_AR_s``, ``_m``, ``_l``
            at the largest n. Fractions; NaN where undefined (pycocotools prints −1 there). The
            names of the six mAP are those of mmdet's ``CocoMetric``, which reports no recall
            beside them unless asked, then as ``AR@100`` and ``AR_s@1000``; here ``@`` is left out
            so that the names serve as file names and keys everywhere.
        per_class: one row a class, in the order of ``Annotations.classes``. ``images`` and
            ``boxes`` count what is scored (no crowd or ignore boxes), ``detections`` all that
            were submitted, also beyond the ``max_dets`` best of an image.
        num_images: images evaluated, those without boxes included.
    """

    totals: dict[str, float]
    per_class: list[ClassRow]
    num_images: int

    @property
    def num_boxes(self) -> int:
        """Boxes scored, over all classes."""
        return sum(row["boxes"] for row in self.per_class)

    @property
    def num_detections(self) -> int:
        """Detections submitted, over all classes."""
        return sum(row["detections"] for row in self.per_class)
