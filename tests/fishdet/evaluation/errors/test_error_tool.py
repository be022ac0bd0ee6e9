"""The tool on results of other detectors, right and wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from fish_dataset.errors import FishDataError
from fishdet.errors import FishdetError
from fishdet.evaluation.errors.run import ErrorOptions, format_costs, write_errors

ROOT = Path(__file__).resolve().parents[4]
RIGHT = {"image_id": 7, "category_id": 3, "bbox": [10, 20, 30, 40], "score": 0.9}


@pytest.fixture
def data(tmp_path):
    """Two pictures with ids 7 and 9; a salmon (3) on the first, an eel (5) on the second."""
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg"):
        cv2.imwrite(str(folder / "images" / name), np.full((100, 120, 3), 90, np.uint8))
    boxes = [(7, 3, [10, 20, 30, 40]), (9, 5, [50, 50, 40, 30])]
    (folder / "val.json").write_text(json.dumps({
        "images": [{"id": i, "file_name": n, "width": 120, "height": 100}
                   for i, n in ((7, "a.jpg"), (9, "b.jpg"))],
        "categories": [{"id": 3, "name": "salmon"}, {"id": 5, "name": "eel"}],
        "annotations": [{"id": k, "image_id": i, "category_id": c, "bbox": b, "area": b[2] * b[3],
                         "iscrowd": 0} for k, (i, c, b) in enumerate(boxes, 1)],
    }))  # fmt: skip
    return folder


@pytest.fixture
def options(tmp_path, data):
    def of(entries, **more):
        path = tmp_path / "results.json"
        path.write_text(json.dumps(entries))
        return ErrorOptions(str(path), data, **{"out": tmp_path / "out", **more})

    return of


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_page_and_record(options, lang):
    """The salmon is found, the eel taken for a salmon."""
    chosen = options([RIGHT, {**RIGHT, "image_id": 9, "bbox": [50, 50, 40, 30]}], lang=lang)
    analysis, page = write_errors(chosen)
    record = json.loads((chosen.out / "errors.json").read_text())
    assert record["errors"]["Cls"] == {"count": 1, "dAP": pytest.approx(0.5)}
    assert record["AP50"] == pytest.approx(0.5)
    assert record["confusion"]["matrix"] == [[1, 0, 0], [1, 0, 0], [0, 0, 0]]
    text = page.read_text()
    assert "b.jpg" in text and f'lang="{lang}"' in text
    assert ("어종 혼동" in text) == (lang == "ko")
    assert "Cls" in format_costs(analysis)


def test_empty_predictions_are_all_misses(options):
    analysis, _ = write_errors(options([]))
    assert analysis.costs.counts["Miss"] == 2
    assert "no detection at all" in format_costs(analysis)


def test_a_picture_that_is_gone_is_said_on_the_page(options, data):
    (data / "images" / "b.jpg").unlink()
    analysis, page = write_errors(options([RIGHT]))
    assert analysis.measured == 1
    assert page.is_file()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"category_id": 8}, "category_id"),
        ({"image_id": 11}, "image_id"),
        ({"score": -0.2}, "negative"),
        ({"score": float("nan")}, "NaN"),
    ],
)
def test_bad_predictions_are_named(options, change, message):
    with pytest.raises(FishdetError, match=f"results.json.*{message}"):
        write_errors(options([{**RIGHT, **change}]))


def test_a_split_that_is_not_there(options):
    with pytest.raises(FishdetError, match="--split takes val"):
        write_errors(options([RIGHT], split="test"))


def test_out_within_the_data_is_refused(options, data):
    with pytest.raises(FishDataError, match="data folder"):
        write_errors(options([RIGHT], out=data / "errors"))


def test_a_mistake_ends_without_a_traceback(options, data, tmp_path):
    source = options([{**RIGHT, "image_id": 11}]).source
    command = [sys.executable, "tools/analysis/errors.py", source, "--data", data]
    done = subprocess.run([*command, "--out", tmp_path / "out"], cwd=ROOT, text=True,
                          capture_output=True)  # fmt: skip
    assert done.returncode == 2
    assert "image_id" in done.stderr and "Traceback" not in done.stderr
