"""The report of a run."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

from fishdet import testing
from fishdet.errors import FishdetError
from fishdet.evaluation import evaluate
from fishdet.evaluation.errors.analysis import analyse
from fishdet.evaluation.errors.precision import interpolated
from fishdet.evaluation.report_page import write_report
from fishdet.evaluation.report_page.run import training_records
from fishdet.evaluation.report_page.run_sections import class_curve
from fishdet.evaluation.report_page.words import _texts
from fishdet.training import TrainOptions, train

SPAN = {
    "intervals": {"bbox_mAP": [0.111, 0.222]},
    "bootstrap": {"species": {"species 0": {"AP": [0.333, 0.444]}}, "rule": "video"},
    "reliability": {"counts": [2, 0], "confidence": [0.2, None], "precision": [0.1, None]},
    "ece": 0.123,
}


@pytest.fixture
def report(random_case, tmp_path):
    def of(lang="en", **more):
        annotations, detections = random_case(5)
        scores = evaluate(annotations, detections)
        metric = SimpleNamespace(evaluated=(annotations, detections), ann_file="val.json")
        totals = {f"coco/{key}": value for key, value in scores.totals.items()}
        record = {**totals, "species": scores.per_class, **more}
        page = write_report(tmp_path, metric, tmp_path, record, tmp_path / "model.pth", lang)
        return scores, page.read_text()

    return of


def test_numbers_are_the_metric_s(report):
    scores, text = report()
    assert f"<dd>{scores.totals['bbox_mAP']:.3f}</dd>" in text
    for row in scores.per_class[:6]:
        assert f"{row['AP']:.3f}" in text
    assert "species without boxes here: species 6" in text
    assert "no intervals" in text and "no learning curves" in text


def test_intervals_and_calibration_where_there_are_any(report):
    _, text = report(**SPAN)
    assert "0.111 – 0.222" in text and "0.333 – 0.444" in text
    assert "D-ECE 0.123" in text and "no intervals" not in text


def test_nothing_is_loaded_from_elsewhere(report):
    _, text = report("ko")
    assert "평가 보고서" in text
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text)


def test_learning_curves_come_from_the_run(report, tmp_path):
    rows = [{"iter": 10, "epoch": 1, "loss": 2.0}, {"iter": 20, "epoch": 1, "loss": 1.0}]
    val = [{"epoch": 1, "coco/bbox_mAP": 0.3, "coco/bbox_mAP_50": 0.5}]
    (tmp_path / "metrics.json").write_text(json.dumps({"train": rows, "val": val}))
    assert training_records(tmp_path / "model" / "published.safetensors") is not None
    assert "no learning curves" not in report()[1]
    (tmp_path / "metrics.json").write_text("{")
    assert training_records(tmp_path / "model.pth") is None


def test_curves_integrate_to_ap(random_case):
    annotations, detections = random_case(6)
    found = analyse(annotations, detections)
    rows = evaluate(annotations, detections).per_class
    for k in range(6):
        mean = interpolated(class_curve(found, k)).mean()
        assert mean == pytest.approx(rows[k]["AP50"], abs=1e-9)
    assert class_curve(found, 6) is None


def test_every_text_is_in_both_languages_with_the_same_fields():
    for key, texts in _texts().items():
        fields = [set(re.findall(r"{(\w+)}", texts[lang])) for lang in ("en", "ko")]
        assert fields[0] == fields[1], key


def test_without_an_evaluation_there_is_no_report(tmp_path):
    metric = SimpleNamespace(evaluated=None, ann_file=None)
    with pytest.raises(FishdetError, match="nothing yet"):
        write_report(tmp_path, metric, tmp_path, {}, tmp_path / "model.pth")


def test_the_whole_way(tiny_config, drawn_data, tmp_path):
    """Train a second, test with --report: the page has the run's curves, pictures and counts."""
    train(TrainOptions(tiny_config, data=drawn_data, work_dir=tmp_path / "run", epochs=1))
    options = testing.TestOptions(
        tiny_config, tmp_path / "run", data=drawn_data, work_dir=tmp_path / "test",
        report=tmp_path / "report", out=tmp_path / "out.json", intervals=20,
    )  # fmt: skip
    totals = testing.test(options)
    text = (tmp_path / "report" / "report.html").read_text()
    assert f"<dd>{totals['coco/bbox_mAP']:.3f}</dd>" in text
    assert "no learning curves" not in text
    assert "Counts and near misses" in text
    assert np.isfinite(json.loads((tmp_path / "out.json").read_text())["coco/bbox_mAP"])
