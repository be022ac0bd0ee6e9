"""Made-up ground truth and detections, and pycocotools as the independent reference."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from fish_dataset.annotations import Annotations
from fishdet.evaluation import Detections

CLASSES = ("salmon", "eel", "mackerel")


def _annotations(boxes, num_images, classes=CLASSES, crowd=(), ignore=(), image_ids=None):
    """Annotations of rows (image_row, label, x, y, w, h); crowd and ignore list box numbers."""
    table = np.array(boxes, dtype=np.float64).reshape(-1, 6)
    order = np.argsort(table[:, 0], kind="stable")
    flags = np.zeros((2, len(table)), bool)
    flags[0, list(crowd)] = True
    flags[1, list(ignore)] = True
    table, flags = table[order], flags[:, order]
    return Annotations(
        classes=tuple(classes),
        image_ids=np.arange(1, num_images + 1) if image_ids is None else np.array(image_ids),
        file_names=[f"{row}.jpg" for row in range(num_images)],
        widths=np.full(num_images, 640, np.int32),
        heights=np.full(num_images, 480, np.int32),
        image_meta={},
        box_ids=np.arange(1, len(table) + 1),
        box_image=table[:, 0].astype(np.int64),
        bboxes=table[:, 2:].astype(np.float32),
        labels=table[:, 1].astype(np.int32),
        crowd=flags[0],
        ignore=flags[1],
        areas=(table[:, 4] * table[:, 5]).astype(np.float32),
    )


def _detections(rows):
    """Detections of rows (image_row, label, score, x, y, w, h)."""
    table = np.array(rows, dtype=np.float64).reshape(-1, 7)
    boxes = table[:, 3:].copy()
    boxes[:, 2:] += boxes[:, :2]
    return Detections(
        table[:, 0].astype(np.int64), boxes, table[:, 2], table[:, 1].astype(np.int64)
    )


def _random_boxes(rng, count):
    corner = rng.uniform(0, 500, (count, 2))
    return np.hstack([corner, np.exp(rng.uniform(np.log(6), np.log(250), (count, 2)))])


def _random_case(seed, images=40, per_image=80, boxes=240, regions=0.0, decimals=None):
    """Ground truth on 4/5 of the images; detections half near a box, half anywhere.

    The last class has no box, the last eighth of the images no detection.
    """
    rng = np.random.default_rng(seed)
    classes = [f"species {i}" for i in range(7)]
    truth = np.column_stack(
        [
            rng.integers(0, images * 4 // 5, boxes),
            rng.integers(0, 6, boxes),
            _random_boxes(rng, boxes),
        ]
    )
    crowd, ignore = (np.flatnonzero(rng.random(boxes) < regions) for _ in range(2))
    count = images * per_image
    near = truth[rng.integers(0, boxes, count // 2)]
    near[:, 2:] += rng.normal(0, 0.15, (len(near), 4)) * near[:, [4, 5, 4, 5]]
    near[:, 4:] = np.maximum(near[:, 4:], 1)
    rest = count - len(near)
    anywhere = np.column_stack(
        [rng.integers(0, images, rest), rng.integers(0, 7, rest), _random_boxes(rng, rest)]
    )
    found = np.vstack([near, anywhere])
    rng.shuffle(found)
    found = found[found[:, 0] < images * 7 // 8]
    scores = rng.random(len(found))
    scores = scores if decimals is None else scores.round(decimals)
    return (
        _annotations(truth, images, classes, crowd, ignore),
        _detections(np.column_stack([found[:, :2], scores, found[:, 2:]])),
    )


def _shared(box, x, y, w, h):
    """Area that corners and xywh share."""
    x1, y1, x2, y2 = (float(v) for v in box)
    return max(0, min(x2, x + w) - max(x1, x)) * max(0, min(y2, y + h) - max(y1, y))


def _on_ignored(annotations, detections, number):
    """The policy for ignore boxes in plain loops: half inside one, and on no box of its own."""
    box, row = detections.bboxes[number], int(detections.image_row[number])
    own = float(box[2] - box[0]) * float(box[3] - box[1])
    inside = found = False
    for i in np.flatnonzero(annotations.box_image == row):
        x, y, w, h = (float(v) for v in annotations.bboxes[i])
        shared = _shared(box, x, y, w, h)
        if annotations.ignore[i]:
            inside |= shared > own / 2
        elif not annotations.crowd[i] and annotations.labels[i] == detections.labels[number]:
            found |= shared / (own + w * h - shared) >= 0.5
    return inside and not found


def _reference(annotations, detections):
    """pycocotools on dicts made here, one by one: (12 totals, AP per class with −1 for none).

    Detections on ignore boxes are left out beforehand, by ``_on_ignored``.
    """
    truth = COCO()
    truth.dataset = {
        "images": [{"id": int(i)} for i in annotations.image_ids],
        "categories": [{"id": k + 1} for k in range(len(annotations.classes))],
        "annotations": [
            {
                "id": i + 1,
                "image_id": int(annotations.image_ids[annotations.box_image[i]]),
                "category_id": int(annotations.labels[i]) + 1,
                "bbox": [float(v) for v in annotations.bboxes[i]],
                "area": float(annotations.areas[i]),
                "iscrowd": int(annotations.crowd[i] or annotations.ignore[i]),
            }
            for i in range(annotations.num_boxes)
        ],
    }
    found = []
    for i in range(len(detections)):
        if _on_ignored(annotations, detections, i):
            continue
        x1, y1, x2, y2 = (float(v) for v in detections.bboxes[i])
        found.append(
            {
                "image_id": int(annotations.image_ids[detections.image_row[i]]),
                "category_id": int(detections.labels[i]) + 1,
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "score": float(detections.scores[i]),
            }
        )
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        evaluator = COCOeval(truth, truth.loadRes(found), "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    precision = evaluator.eval["precision"][:, :, :, 0, -1]
    return evaluator.stats, [precision[:, :, k].mean() for k in range(precision.shape[2])]


@pytest.fixture(scope="session")
def make_annotations():
    return _annotations


@pytest.fixture(scope="session")
def make_detections():
    return _detections


@pytest.fixture(scope="session")
def random_case():
    return _random_case


@pytest.fixture(scope="session")
def reference():
    return _reference


@pytest.fixture(scope="session")
def perfect():
    """Every scored box of the annotations as a detection of score 1."""

    def of(annotations):
        kept = ~(annotations.crowd | annotations.ignore)
        boxes = annotations.bboxes[kept].copy()
        boxes[:, 2:] += boxes[:, :2]
        count = len(boxes)
        return Detections(
            annotations.box_image[kept].astype(np.int64),
            boxes,
            np.ones(count, np.float32),
            annotations.labels[kept].astype(np.int64),
        )

    return of
