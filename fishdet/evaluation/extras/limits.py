"""COCO AP and AR at several limits of detections: schools of fish need more than 100."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fish_dataset.annotations import Annotations

from ..coco_eval import evaluate
from ..detections import Detections

SCHOOLS = (100, 300, 1000)


def most_in_an_image(annotations: Annotations, detections: Detections) -> int:
    """Largest number of detections of one class in one image."""
    if not len(detections):
        return 0
    cells = detections.image_row * len(annotations.classes) + detections.labels
    if annotations.num_images * len(annotations.classes) < 8 * len(cells):
        return int(np.bincount(cells).max())
    return int(np.unique(cells, return_counts=True)[1].max())


def by_limit(
    annotations: Annotations,
    detections: Detections,
    totals: dict[str, float],
    limit: int,
    limits: Sequence[int] = SCHOOLS,
) -> dict[str, dict[str, float]]:
    """COCO's numbers where the ``n`` best detections of an image and class count.

    A limit that no image reaches changes nothing, so the numbers of ``totals`` are repeated and no
    evaluation is run.

    Args:
        annotations: ground truth.
        detections: checked.
        totals: of :func:`~fishdet.evaluation.evaluate`.
        limit: the largest of its ``max_dets``.
        limits: ascending.

    Returns:
        Limit → ``AP``, ``AP50``, ``AP75``, ``AP_s``, ``AP_m``, ``AP_l``, ``AR``, ``AR_s``,
        ``AR_m``, ``AR_l``.
    """
    most = most_in_an_image(annotations, detections)
    known = {min(limit, most): _row(totals, limit)}
    for n in limits:
        if min(n, most) not in known:
            again = evaluate(annotations, detections, max_dets=(n,)).totals
            known[min(n, most)] = _row(again, n)
    return {str(n): known[min(n, most)] for n in limits}


def _row(totals: dict[str, float], limit: int) -> dict[str, float]:
    names = {"AP": "mAP", "AP50": "mAP_50", "AP75": "mAP_75", "AR": f"AR_{limit}"}
    names |= {f"{kind}_{size}": f"{long}_{size}" for kind, long in (("AP", "mAP"), ("AR", "AR"))
              for size in "sml"}  # fmt: skip
    return {short: totals[f"bbox_{name}"] for short, name in names.items()}
