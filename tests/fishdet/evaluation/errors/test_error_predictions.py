"""Results files of other detectors, right and wrong, and the tool on them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from fish_dataset.coco import read_coco
from fish_dataset.errors import FishDataError
from fishdet.errors import FishdetError
from fishdet.evaluation.errors.predictions import read_predictions
from fishdet.evaluation.errors.run import ErrorOptions, format_costs, write_errors
from fishdet.evaluation.errors.source import read_detections, read_truth

ROOT = Path(__file__).resolve().parents[4]
RIGHT = {"image_id": 7, "category_id": 3, "bbox": [10, 20, 30, 40], "score": 0.9}


def write_data(folder, image_ids=(7, 9), category_ids=(3, 5)):
    (folder / "images").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg"):
        cv2.imwrite(str(folder / "images" / name), np.full((100, 120, 3), 90, np.uint8))
    boxes = [(image_ids[0], category_ids[0], [10, 20, 30, 40]),
             (image_ids[1], category_ids[1], [50, 50, 40, 30])]  # fmt: skip
    (folder / "val.json").write_text(json.dumps({
        "images": [{"id": i, "file_name": n, "width": 120, "height": 100}
                   for i, n in zip(image_ids, ("a.jpg", "b.jpg"), strict=True)],
        "categories": [{"id": i, "name": n}
                       for i, n in zip(category_ids, ("salmon", "eel"), strict=True)],
        "annotations": [{"id": k, "image_id": i, "category_id": c, "bbox": b, "area": b[2] * b[3],
                         "iscrowd": 0} for k, (i, c, b) in enumerate(boxes, 1)],
    }))  # fmt: skip
    return folder


@pytest.fixture
def read(tmp_path):
    def of(entries):
        data = write_data(tmp_path / "data")
        path = tmp_path / "results.json"
        path.write_text(entries if isinstance(entries, str) else json.dumps(entries))
        annotations, _ = read_coco(data / "val.json")
        return read_predictions(path, annotations, data / "val.json")

    return of


def test_ids_of_the_file(read):
    found = read([RIGHT, {**RIGHT, "image_id": 9, "category_id": 5}])
    assert found.image_row.tolist() == [0, 1]
    assert found.labels.tolist() == [0, 1]
    assert found.bboxes[0].tolist() == [10, 20, 40, 60]


def test_counted_ids_of_our_own_results(read):
    assert read([{**RIGHT, "category_id": 2}]).labels.tolist() == [1]


def test_empty_predictions_are_no_detections(read):
    assert len(read([])) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"category_id": 8}, r"category_id 8 is unknown.*3 salmon, 5 eel"),
        ({"category_id": None}, r"category_id None is unknown"),
        ({"image_id": 11}, r"image_id 11 not in the ground truth, whose ids are 7, 9"),
        ({"image_id": None}, r"image_id None"),
        ({"score": float("nan")}, r"\[0\]\.score = None: expected a finite number"),
        ({"score": -0.2}, r"\[0\]\.score = -0\.2.*sigmoid"),
        ({"score": "0.9"}, r"\[0\]\.score = '0\.9'"),
        ({"bbox": [1, 2, 3]}, r"\[0\]\.bbox = \[1, 2, 3\]: expected 4 finite numbers"),
        ({"bbox": [1, 2, -3, 4]}, r"\[0\]\.bbox.*negative"),
        ({"bbox": [1, 2, float("inf"), 4]}, r"\[0\]\.bbox"),
    ],
)
def test_bad_fields_are_named(read, change, message):
    with pytest.raises(FishdetError, match=message):
        read([{**RIGHT, **change}])


def test_corners_in_place_of_sizes_are_seen(read):
    corners = [{**RIGHT, "bbox": [60, 50, 100, 90]}, {**RIGHT, "bbox": [10, 20, 40, 60]}]
    with pytest.raises(FishdetError, match="1 of 2 boxes.*corners"):
        read(corners)


@pytest.mark.parametrize("text", ["", "{", "3", '{"a": 1}', "[1, 2]"])
def test_what_is_no_results_file(read, text):
    with pytest.raises(FishdetError, match=r"results\.json"):
        read(text)


def test_ambiguous_category_ids_ask(tmp_path):
    """Ids 0 and 1 in the file; a result of category 1 could be either."""
    data = write_data(tmp_path / "data", category_ids=(0, 1))
    path = tmp_path / "results.json"
    path.write_text(json.dumps([{**RIGHT, "category_id": 1}]))
    truth = read_truth(data)
    with pytest.raises(FishdetError, match="--category-ids"):
        read_detections(path, truth)
    assert read_detections(path, truth, "file").labels.tolist() == [1]
    assert read_detections(path, truth, "counted").labels.tolist() == [0]


def test_image_ids_that_are_texts(tmp_path):
    data = write_data(tmp_path / "data", image_ids=("x", "y"))
    path = tmp_path / "results.json"
    path.write_text(json.dumps([{**RIGHT, "image_id": "y"}]))
    assert read_detections(path, read_truth(data)).image_row.tolist() == [1]


def test_a_split_that_is_not_there(tmp_path):
    with pytest.raises(FishdetError, match="--split takes val"):
        read_truth(write_data(tmp_path / "data"), "test")


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_page_and_record(tmp_path, lang):
    data = write_data(tmp_path / "data")
    path = tmp_path / "results.json"
    path.write_text(json.dumps([RIGHT, {**RIGHT, "image_id": 9, "bbox": [50, 50, 40, 30]}]))
    out = tmp_path / "out"
    analysis, page = write_errors(ErrorOptions(str(path), data, out, lang=lang))
    record = json.loads((out / "errors.json").read_text())
    assert record["errors"]["Cls"] == {"count": 1, "dAP": pytest.approx(0.5)}
    assert {part["name"] for part in record["strata"]["brightness"]} == {"all"}
    text = page.read_text()
    assert "b.jpg" in text and f'lang="{lang}"' in text
    assert ("어종 혼동" in text) == (lang == "ko")
    assert "Cls" in format_costs(analysis)


def test_the_tool_names_a_mistake_without_a_traceback(tmp_path):
    data = write_data(tmp_path / "data")
    path = tmp_path / "results.json"
    path.write_text(json.dumps([{**RIGHT, "image_id": 11}]))
    command = [sys.executable, "tools/analysis/errors.py", path, "--data", data]
    done = subprocess.run([*command, "--out", tmp_path / "out"], cwd=ROOT, text=True,
                          capture_output=True)  # fmt: skip
    assert done.returncode == 2
    assert "image_id 11" in done.stderr and "Traceback" not in done.stderr


def test_out_within_the_data_is_refused(tmp_path):
    data = write_data(tmp_path / "data")
    path = tmp_path / "results.json"
    path.write_text("[]")
    with pytest.raises(FishDataError, match="data folder"):
        write_errors(ErrorOptions(str(path), data, data / "errors"))
