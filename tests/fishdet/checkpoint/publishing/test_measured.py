"""Calibration and intervals of a checkpoint: read where they are its own, else refused by name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from fishdet.checkpoint.published import read_metadata
from fishdet.checkpoint.publishing.measured import read_calibration, read_intervals
from fishdet.checkpoint.publishing.model_papers import PublishOptions
from fishdet.checkpoint.publishing.publish import publish
from fishdet.errors import FishdetError

CLASSES = ("eel", "salmon")
CALIBRATION = {
    "format": 1, "temperature": 1.5, "bias": -0.25, "thresholds": {"salmon": 0.4, "eel": 0.25},
    "fitted_on": {"ann_file": "val.json", "images": 20, "checkpoint": "best.pth"},
    "ece_before": 0.2, "ece_after": 0.05,
}  # fmt: skip
TOTALS = {"coco/bbox_mAP": 0.25}


def write(folder: Path, name: str, value: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps(value))
    return path


def test_nothing_is_known_without_files(tmp_path: Path) -> None:
    found, notes = read_calibration(tmp_path, "best.pth", CLASSES)
    assert set(found.values()) == {None} and notes == ()
    assert read_intervals(tmp_path, TOTALS) == (None, ())


def test_a_calibration_is_read(tmp_path: Path) -> None:
    write(tmp_path, "calibration.json", CALIBRATION)
    found, notes = read_calibration(tmp_path, "best.pth", CLASSES)
    assert found == {key: CALIBRATION[key] for key in CALIBRATION if key != "format"}
    assert list(found["thresholds"]) == list(CLASSES) and notes == ()


def test_a_calibration_of_another_checkpoint_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, "calibration.json", CALIBRATION)
    found, (note,) = read_calibration(tmp_path, "epoch_1.pth", CLASSES)
    assert set(found.values()) == {None} and "calibration of best.pth" in note


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": 0}, "temperature 0.0 should be above 0"),
        ({"temperature": "hot"}, "temperature 'hot' should be a number"),
        ({"temperature": float("nan")}, "temperature nan should be a number"),
        ({"bias": True}, "bias True should be a number"),
        ({"thresholds": {"cod": 0.3}}, "thresholds 'cod' should be of eel, salmon"),
        ({"thresholds": {"eel": 1.5}}, "thresholds.eel 1.5 should be from 0 to 1"),
        ({"thresholds": [0.5]}, "thresholds [0.5] should be an object"),
        ({"fitted_on": "val"}, "fitted_on 'val' should be an object"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = write(tmp_path, "calibration.json", CALIBRATION | change)
    with pytest.raises(FishdetError, match=re.escape(f"{path}: {message}")):
        read_calibration(tmp_path, "best.pth", CLASSES)


@pytest.mark.parametrize(
    "pair", [[0.3, 0.2], [0.1], 0.2, ["0.1", "0.2"], [None, 0.1], [0.1, float("inf")]]
)
def test_a_wrong_interval_is_named(tmp_path: Path, pair: Any) -> None:
    write(tmp_path, "evaluation.json", {"intervals": {"bbox_mAP": pair}})
    with pytest.raises(FishdetError, match=r"evaluation.json: intervals.bbox_mAP .*\[low, high\]"):
        read_intervals(tmp_path, TOTALS)


@pytest.mark.parametrize("content", ["[1]", "{", "\udcff"])
def test_a_file_that_is_no_object_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "calibration.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(FishdetError, match="calibration.json: .*no JSON|holds no JSON object"):
        read_calibration(tmp_path, "best.pth", CLASSES)


def test_intervals_of_another_evaluation_are_left_out(tmp_path: Path) -> None:
    found = {"intervals": {"coco/bbox_mAP": [0.2, 0.3]}, "totals": {"bbox_mAP": 0.25}}
    write(tmp_path, "evaluation.json", found)
    assert read_intervals(tmp_path, TOTALS) == ({"bbox_mAP": [0.2, 0.3]}, ())
    intervals, (note,) = read_intervals(tmp_path, {"coco/bbox_mAP": 0.4})
    assert intervals is None and "0.25" in note and "0.4" in note


def test_a_release_carries_them(run_copy: Path) -> None:
    fitted = CALIBRATION | {"thresholds": {"salmon": 0.4}}
    write(run_copy.parent, "calibration.json", fitted)
    evaluation = {"intervals": {"bbox_mAP": [0.2, 0.31]}, "totals": {"bbox_mAP": 0.25}}
    write(run_copy.parent, "evaluation.json", evaluation)
    file = publish(PublishOptions(run_copy)).file
    papers = read_metadata(file)
    assert papers["calibration"]["temperature"] == 1.5
    assert papers["calibration"]["thresholds"] == {"salmon": 0.4}
    assert papers["metrics"]["intervals"] == {"bbox_mAP": [0.2, 0.31]}
    card = (file.parent / "README.md").read_text()
    assert "95 % intervals: mAP 0.200 to 0.310." in card
    assert "temperature 1.500, bias -0.250, fitted on `val.json`" in card
    assert "calibration error 0.2000, then 0.0500" in card
    assert "| AR | threshold |" in card and "not calibrated" not in card
    (row,) = [line for line in card.splitlines() if line.startswith("| salmon")]
    assert row.endswith("| 0.400 |")
