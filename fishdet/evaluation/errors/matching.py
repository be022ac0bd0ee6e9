"""Who finds what: the greedy matching of COCO, for all pictures at once."""

from __future__ import annotations

import numpy as np

from fish_dataset.annotations import Annotations

from ..detections import Detections
from .overlaps import Pairs


def ranked(annotations: Annotations, detections: Detections, limit: int) -> Detections:
    """Order detections best first and keep the ``limit`` best of each image and class.

    Equal scores rank by image id, then as they stand, as in pycocotools.
    """
    order = np.lexsort(
        (np.arange(len(detections)), annotations.image_ids[detections.image_row],
         -detections.scores)
    )  # fmt: skip
    group = (detections.image_row * len(annotations.classes) + detections.labels)[order]
    by_group = np.argsort(group, kind="stable")
    first = np.searchsorted(group[by_group], group[by_group])
    place = np.empty(len(order), np.int64)
    place[by_group] = np.arange(len(order)) - first
    return select(detections, order[place < limit])


def select(detections: Detections, rows: np.ndarray) -> Detections:
    """The detections at ``rows``, a mask or integers, in that order."""
    return Detections(
        detections.image_row[rows],
        detections.bboxes[rows],
        detections.scores[rows],
        detections.labels[rows],
    )


def match(pairs: Pairs, detections: int, boxes: int) -> np.ndarray:
    """Let each detection, the best first, take the free box that it overlaps most.

    That is COCO's matching (https://github.com/cocodataset/cocoapi, ``COCOeval.evaluateImg``,
    read 2026-11-25; of boxes with one IoU the last wins). All boxes prefer the detection of the
    higher rank, so asking in rounds, where a box keeps its best asker and sends the others on to
    their next choice, gives the same result as asking one by one.

    Args:
        pairs: Who may take whom; a lower row of detections is a better one.
        detections: Number of detections.
        boxes: Number of boxes.

    Returns:
        (detections,) int64, the box taken or -1.
    """
    order = np.lexsort((-pairs.box, -pairs.iou, pairs.detection))
    asked, box = pairs.detection[order], pairs.box[order]
    place = np.searchsorted(asked, np.arange(detections))
    end = np.searchsorted(asked, np.arange(detections), side="right")
    holder = np.full(boxes, detections)
    asking = np.flatnonzero(place < end)
    while asking.size:
        wanted = box[place[asking]]
        before = holder[wanted]
        np.minimum.at(holder, wanted, asking)
        after = holder[wanted]
        left = np.unique(before[(before < detections) & (before != after)])
        lost = np.concatenate([asking[after != asking], left])
        place[lost] += 1
        asking = lost[place[lost] < end[lost]]
    taken = np.flatnonzero(holder < detections)
    matched = np.full(detections, -1)
    matched[holder[taken]] = taken
    return matched
