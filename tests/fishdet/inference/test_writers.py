"""The JSON of results, read back by pycocotools."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import supervision as sv
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from fishdet.errors import FishdetError
from fishdet.inference.writers import ImageResult, coco_dict, write_coco

CLASSES = ("eel", "Gerres", "no such fish")


def result(name: str, rows: list[list[float]], labels: list[int]) -> ImageResult:
    detections = sv.Detections(
        xyxy=np.array(rows, np.float32).reshape(-1, 4),
        class_id=np.array(labels, dtype=int),
        confidence=np.linspace(0.99, 0.4, len(rows), dtype=np.float32),
    )
    return ImageResult(name, 640, 480, detections)


def test_values_by_hand() -> None:
    results = [result("a/눈.jpg", [], []), result("b.jpg", [[10, 20, 40, 60]], [1])]
    coco = coco_dict(results, CLASSES, {"description": "test"})
    assert coco["images"][0] == {"id": 1, "file_name": "a/눈.jpg", "width": 640, "height": 480}
    assert coco["categories"] == [
        {"id": 1, "name": "eel", "name_ko": "장어", "scientific_name": "Anguilla japonica"},
        {"id": 2, "name": "Gerres", "scientific_name": "Gerres"},
        {"id": 3, "name": "no such fish"},
    ]
    assert coco["annotations"] == [
        {"id": 1, "image_id": 2, "category_id": 2, "bbox": [10.0, 20.0, 30.0, 40.0],
         "area": 1200.0, "iscrowd": 0, "score": 0.99}
    ]  # fmt: skip


def test_pycocotools_loads_it_and_finds_perfect_agreement(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(1)
    corner = rng.uniform(0, 200, (40, 2))
    rows = np.hstack([corner, corner + rng.uniform(10, 200, (40, 2))])
    results = [
        result(f"{start}.jpg", rows[start : start + 8].tolist(), list(rng.integers(0, 3, 8)))
        for start in range(0, 40, 8)
    ]
    path = tmp_path / "deep" / "predictions.json"
    write_coco(path, coco_dict(results, CLASSES))
    assert [item.name for item in path.parent.iterdir()] == ["predictions.json"]
    truth = COCO(str(path))
    again = truth.loadRes(json.loads(path.read_text(encoding="utf-8"))["annotations"])
    evaluation = COCOeval(truth, again, "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1.0)
    capsys.readouterr()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.floats(0, 4000, width=32), min_size=4, max_size=4), max_size=5))
def test_boxes_come_back_within_a_hundredth(rows: list[list[float]]) -> None:
    rows = [[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in rows]
    coco = coco_dict([result("a.jpg", rows, [0] * len(rows))], CLASSES)
    assert [one["id"] for one in coco["annotations"]] == list(range(1, len(rows) + 1))
    for row, one in zip(rows, coco["annotations"], strict=True):
        left, top, width, height = one["bbox"]
        np.testing.assert_allclose([left, top, left + width, top + height], row, atol=0.016)


def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FishdetError, match="predictions.json"):
        write_coco(tmp_path / "file" / "predictions.json", coco_dict([], CLASSES))
