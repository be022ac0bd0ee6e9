"""Results files of strangers are read as meant, or refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fish_dataset.coco import read_coco
from fishdet.errors import FishdetError
from fishdet.evaluation import Detections, evaluate
from fishdet.evaluation.box_form import require_form
from fishdet.evaluation.coco_form import write_results
from fishdet.evaluation.outside import read_outside

RIGHT = [
    {"image_id": 70, "category_id": 7, "bbox": [300, 200, 80, 60], "score": 0.9},
    {"image_id": 70, "category_id": 3, "bbox": [500, 300, 100, 90], "score": 0.8},
    {"image_id": 41, "category_id": 7, "bbox": [200.5, 200, 90, 70], "score": 0.7},
]


@pytest.fixture
def ann_file(tmp_path):
    """Images 70 and 41, categories 7 (salmon) and 3 (eel): no id counts from 1."""
    path = tmp_path / "val.json"
    path.write_text(json.dumps({
        "images": [{"id": i, "file_name": f"reef/{n}.jpg", "width": 640, "height": 480}
                   for i, n in ((70, "a"), (41, "b"))],
        "categories": [{"id": 7, "name": "salmon"}, {"id": 3, "name": "eel"}],
        "annotations": [{"id": k + 1, "iscrowd": 0, "area": r["bbox"][2] * r["bbox"][3],
                         **{key: r[key] for key in ("image_id", "category_id", "bbox")}}
                        for k, r in enumerate(RIGHT)],
    }))  # fmt: skip
    return path


@pytest.fixture
def results(tmp_path):
    def write(entries):
        path = tmp_path / "results.json"
        path.write_text(entries if isinstance(entries, str) else json.dumps(entries))
        return path

    return write


def _changed(**fields):
    return [{**RIGHT[0], **fields}, *RIGHT[1:]]


def test_ids_are_those_of_the_file(ann_file, results):
    read = read_outside(results(RIGHT), ann_file)
    assert read.annotations.classes == ("eel", "salmon")
    assert evaluate(read.annotations, read.detections).totals["bbox_mAP"] == pytest.approx(1.0)
    other = read_outside(results(RIGHT), ann_file, classes=("salmon", "eel"))
    assert other.detections.labels.tolist() == [0, 1, 0]
    assert evaluate(other.annotations, other.detections).totals["bbox_mAP"] == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["reef/a.jpg", "a.jpg", "a"])
def test_images_by_name(ann_file, results, name):
    entries = [{**r, "image_id": name if r["image_id"] == 70 else "b"} for r in RIGHT]
    read = read_outside(results(entries), ann_file)
    assert evaluate(read.annotations, read.detections).totals["bbox_mAP"] == pytest.approx(1.0)


def test_empty_is_a_detector_that_found_nothing(ann_file, results):
    read = read_outside(results([]), ann_file)
    assert len(read.detections) == 0
    assert evaluate(read.annotations, read.detections).totals["bbox_mAP"] == 0


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (_changed(image_id=99), r"1 of 3 detections have image_id values .*\[99\].*entry 0"),
        (_changed(category_id=8), r"category_id values .*\[8\].*It has \[3, 7\]"),
        ([{**r, "category_id": r["category_id"] - 1} for r in RIGHT], "count from 0"),
        (
            _changed(score=-0.5),
            r"results\.json: .*1 of 3 scores are negative; the first is entry 0, ",
        ),
        (json.dumps(_changed(score=float("nan"))), "NaN, infinite or null"),
        (json.dumps(_changed(bbox=[0, 0, float("inf"), 5])), "NaN, infinite or null"),
        (_changed(bbox=[1, 2, 3]), r"1 of 3 bbox values are not four numbers; .*entry 0"),
        ({"annotations": RIGHT}, "an annotation file, not results"),
        ([{"image_id": 70}], "missing required field"),
        ("{oops", "Expected COCO results"),
        ("", "Expected COCO results"),
        ([{**r, "bbox": [v / 640 for v in r["bbox"]]} for r in RIGHT], "fractions of the image"),
    ],
)
def test_refused_by_name(ann_file, results, entries, message):
    with pytest.raises(FishdetError, match=message):
        read_outside(results(entries), ann_file)


def test_no_such_file(ann_file, tmp_path):
    with pytest.raises(FishdetError, match=r"nowhere\.json cannot be read: No such file"):
        read_outside(tmp_path / "nowhere.json", ann_file)


def test_corners_are_told_from_sizes(ann_file, results):
    corners = []
    for r in RIGHT:
        x, y, w, h = r["bbox"]
        corners.append({**r, "bbox": [x, y, x + w, y + h]})
    with pytest.raises(FishdetError, match=r"look like xyxy, not xywh.*box_form='xyxy'"):
        read_outside(results(corners), ann_file)
    read = read_outside(results(corners), ann_file, box_form="xyxy")
    assert evaluate(read.annotations, read.detections).totals["bbox_mAP"] == pytest.approx(1.0)
    with pytest.raises(FishdetError, match=r"look like xywh, not xyxy"):
        read_outside(results(RIGHT), ann_file, box_form="xyxy")


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_good_boxes_are_never_suspected(make_annotations, seed):
    """Of any place and size inside the image, found or not."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 60))
    low = rng.uniform(0, 0.7, (count, 2)) * (640, 480)
    sides = rng.uniform(0.05, 0.29, (count, 2)) * (640, 480)
    annotations = make_annotations(
        np.hstack([np.zeros((count, 2)), low + rng.normal(0, 3, low.shape), sides]), 1
    )
    rows = np.zeros(count, np.int64)
    require_form("results.json", np.hstack([low, sides]), rows, annotations, "xywh")
    require_form("results.json", np.hstack([low, low + sides]), rows, annotations, "xyxy")


@pytest.mark.parametrize("split", ["aquarium/val.json", "deepfish/val.json"])
def test_real_boxes_in_either_form(fishdet_data, tmp_path, split):
    path = fishdet_data / split
    annotations, _ = read_coco(path, check_images=False)
    raw = json.loads(path.read_text())
    entries = [{"image_id": a["image_id"], "category_id": a["category_id"], "bbox": a["bbox"],
                "score": 0.5} for a in raw["annotations"]]  # fmt: skip
    results = tmp_path / "results.json"
    results.write_text(json.dumps(entries))
    read = read_outside(results, path)
    assert evaluate(annotations, read.detections).totals["bbox_mAP"] > 0.999
    for entry in entries:
        x, y, w, h = entry["bbox"]
        entry["bbox"] = [x, y, x + w, y + h]
    results.write_text(json.dumps(entries))
    with pytest.raises(FishdetError, match="look like xyxy"):
        read_outside(results, path)
    assert isinstance(read.detections, Detections)


@pytest.mark.parametrize("ids", [(0, 7), ("mackerel", "eel")], ids=["from 0, sparse", "texts"])
def test_own_results_are_read_back_by_the_ids_of_the_file(tmp_path: Path, ids: tuple) -> None:
    """What we write beside an annotation file means the same species to whoever reads it."""
    image = {"id": "a", "file_name": "a.jpg", "width": 100, "height": 80}
    first, second = ids
    ann_file = tmp_path / "val.json"
    ann_file.write_text(
        json.dumps(
            {
                "images": [{**image, "id": "b", "file_name": "b.jpg"}, image],
                "categories": [{"id": second, "name": "eel"}, {"id": first, "name": "mackerel"}],
                "annotations": [
                    {"id": 1, "image_id": "a", "category_id": first, "bbox": [1, 2, 30, 40]}
                ],
            }
        )
    )
    annotations, _ = read_coco(ann_file, check_images=False)
    label = annotations.classes.index("mackerel")
    row = annotations.file_names.index("a.jpg")
    boxes = np.array([[1.0, 2.0, 31.0, 42.0]])
    found = Detections(np.array([row]), boxes, np.array([0.9]), np.array([label]))
    written = write_results(tmp_path / "results.json", annotations, found, ann_file)
    entry = json.loads(written.read_text())[0]
    assert (entry["image_id"], entry["category_id"]) == ("a", first)
    again = read_outside(written, ann_file).detections
    assert again.labels.tolist() == [label] and again.image_row.tolist() == [row]
