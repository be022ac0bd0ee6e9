"""A detector's own boxes as further views of each labelled fish."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.errors import FishDataError

from .windows import ious

LEAST_IOU, LEAST_SCORE, MOST = 0.6, 0.05, 5


def read_proposals(path: Path, data: Annotations) -> dict[int, np.ndarray]:
    """Return the detections that show each labelled fish, by the row of its box.

    A detection belongs to the box that it overlaps most, from an IoU of 0.6 on; of each fish the
    five surest are kept.

    Args:
        path: COCO results: a list of objects with image_id, bbox (xywh) and score, as
            ``tools/test.py`` and ``tools/predict.py`` write them (the latter under 'annotations').
        data: the pictures and boxes that they were made on.

    Raises:
        FishDataError: no such file, or not such a list.
    """
    found = _by_image(path)
    views: dict[int, np.ndarray] = {}
    for row, image_id in enumerate(data.image_ids.tolist()):
        boxes = found.get(image_id)
        span = data.boxes_of(row)
        if boxes is None or span.start == span.stop:
            continue
        truth = xyxy(data.bboxes[span])
        overlaps = np.stack([ious(one, boxes[:, :4]) for one in truth])
        owner = overlaps.argmax(0)
        for place in range(len(truth)):
            mine = (owner == place) & (overlaps[place] >= LEAST_IOU)
            order = np.argsort(-boxes[mine, 4], kind="stable")[:MOST]
            if len(order):
                views[span.start + place] = boxes[mine][order, :4]
    return views


def xyxy(boxes: np.ndarray) -> np.ndarray:
    """Return boxes (N, 4) of x, y, width, height as corners, float64."""
    corners = np.asarray(boxes, np.float64).reshape(-1, 4).copy()
    corners[:, 2:] += corners[:, :2]
    return corners


def _by_image(path: Path) -> dict[int, np.ndarray]:
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        rows = content["annotations"] if isinstance(content, dict) else content
        listed: dict[int, list[list[float]]] = {}
        for row in rows:
            if row["score"] >= LEAST_SCORE:
                box = [float(value) for value in row["bbox"]]
                listed.setdefault(int(row["image_id"]), []).append([*box, float(row["score"])])
    except OSError as error:
        raise FishDataError(
            f"proposal_file {path}: {error.strerror or error}; name COCO results of a detector"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise FishDataError(
            f"proposal_file {path}: no COCO results (a list of objects with image_id, bbox and "
            f"score): {error!r}"
        ) from error
    found = {}
    for image_id, values in listed.items():
        table = np.array(values, np.float64).reshape(-1, 5)
        found[image_id] = np.concatenate([xyxy(table[:, :4]), table[:, 4:]], axis=1)
    return found
