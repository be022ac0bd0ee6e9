"""The record as the metric writes it, on made-up and on real data."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger

from fish_dataset.coco import read_coco
from fish_dataset.files import write_json
from fishdet.errors import FishdetError
from fishdet.evaluation import FishMetric, evaluate
from fishdet.evaluation.extras import Choices, evaluation_record, format_record, images_per_class

KEYS = {
    "format", "images", "totals", "macro", "micro", "absent_species", "limits", "frequency",
    "sizes", "threshold", "species", "counts", "taxonomy", "curves",
}  # fmt: skip


@pytest.fixture
def logged():
    records = []
    handler = logging.Handler()
    handler.emit = lambda record: records.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    yield records
    logger.removeHandler(handler)


def _run(metric, annotations, detections):
    evaluator = Evaluator(metric)
    evaluator.dataset_meta = {"classes": annotations.classes}
    for row, key in enumerate(annotations.image_ids.tolist()):
        of = detections.image_row == row
        found = {
            "bboxes": torch.tensor(detections.bboxes[of]).float(),
            "scores": torch.tensor(detections.scores[of]).float(),
            "labels": torch.tensor(detections.labels[of]),
        }
        evaluator.process([{"img_id": key, "pred_instances": found}])
    return evaluator.evaluate(annotations.num_images)


def test_the_metric_writes_and_logs_it(random_case, tmp_path, logged):
    annotations, detections = random_case(seed=1, images=8, per_image=20, boxes=40)
    path = tmp_path / "new" / "evaluation.json"
    metric = FishMetric(annotations=annotations, extras=True, record_file=path)
    totals = _run(metric, annotations, detections)
    record = json.loads(path.read_text())
    assert record.keys() >= KEYS and record["format"] == 1
    assert record["macro"]["AP"] == pytest.approx(totals["coco/bbox_mAP"])
    assert record["species"][6]["AP"] is None
    assert [row["name"] for row in record["absent_species"]] == ["species 6"]
    assert any("1 species have no box" in text and "species 6" in text for text in logged)
    assert any(
        "best F1" in text and "not known without the training set" in text for text in logged
    )


def test_without_extras_nothing_further_is_scored(random_case, tmp_path):
    annotations, detections = random_case(seed=1, images=8, per_image=20, boxes=40)
    path = tmp_path / "evaluation.json"
    metric = FishMetric(annotations=annotations, record_file=path)
    _run(metric, annotations, detections)
    assert metric.record is None and not path.exists()


def test_a_training_set_of_other_species_costs_one_number_only(fishdet_data, tmp_path, logged):
    annotations, _ = read_coco(fishdet_data / "aquarium" / "val.json", check_images=False)
    some = annotations.select_images(np.arange(5))
    metric = FishMetric(
        annotations=some, extras=True, train_file=fishdet_data / "deepfish" / "train.json"
    )
    _run(metric, some, truth_as_detections(some))
    assert metric.record["frequency"] is None
    assert any("No AP by frequency" in text for text in logged)


def truth_as_detections(annotations):
    from fishdet.evaluation import Detections

    boxes = annotations.bboxes.copy()
    boxes[:, 2:] += boxes[:, :2]
    return Detections(
        annotations.box_image.astype(np.int64),
        boxes,
        np.full(len(boxes), 0.9, np.float32),
        annotations.labels.astype(np.int64),
    )


def test_thresholds(random_case):
    annotations, detections = random_case(seed=2, images=8, per_image=20, boxes=40)
    report = evaluate(annotations, detections)

    def threshold(score_thr):
        record = evaluation_record(annotations, detections, report, Choices(score_thr))
        assert [row["best_f1"]["threshold"] for row in record["species"]] == best
        return record["threshold"]

    record = evaluation_record(annotations, detections, report, Choices())
    best = [row["best_f1"]["threshold"] for row in record["species"]]
    given = {name: 0.1 * k for k, name in enumerate(annotations.classes)}
    assert threshold(None)["by_species"] == dict(zip(annotations.classes, best, strict=True))
    assert threshold(given) == {"chosen": "given by species", "by_species": given}
    with pytest.raises(FishdetError, match=r"score_thr.*'tuna'"):
        threshold({**given, "tuna": 0.5})


def test_perfect_detections_of_real_frames(fishdet_data, tmp_path):
    annotations, _ = read_coco(fishdet_data / "deepfish" / "val.json", check_images=False)
    train, _ = read_coco(fishdet_data / "deepfish" / "train.json", check_images=False)
    detections = truth_as_detections(annotations)
    choices = Choices(train_images=images_per_class(train))
    record = evaluation_record(annotations, detections, evaluate(annotations, detections), choices)
    assert record["macro"]["AP"] == pytest.approx(1.0) == record["micro"]["AP"]
    assert record["sizes"]["macro"] == pytest.approx(1.0)
    assert sum(row["boxes"] for row in record["sizes"]["bins"]) == annotations.num_boxes
    assert record["counts"]["image"]["macro"]["mae"] == 0
    video = record["counts"]["video"]
    assert video["errors"]["macro"]["mae"] == 0 and len(video["videos"]) > 3
    assert record["taxonomy"]["hF"] == 1 and record["taxonomy"]["accuracy"]["species"] == 1
    assert record["taxonomy"]["mistake_severity"] is None
    assert {row["name"] for row in record["absent_species"]}  # three species live elsewhere
    for row in record["species"]:
        if row["boxes"]:
            assert row["best_f1"]["f1"] == 1 and row["presence"]["AP"] == 1
    text = format_record(record, lang="ko")
    assert "nan" not in text and "None" not in text
    write_json(tmp_path / "evaluation.json", record)
    assert json.loads((tmp_path / "evaluation.json").read_text())["images"] == 326


def test_one_picture_without_detections(make_annotations):
    from fishdet.evaluation import Detections

    annotations = replace(make_annotations([(0, 0, 0, 0, 50, 50)], 1), image_meta={})
    report = evaluate(annotations, Detections.empty())
    record = evaluation_record(annotations, Detections.empty(), report, Choices())
    assert record["micro"]["AP"] == 0 and record["counts"]["image"]["species"][0]["bias"] == -1
    assert "salmon" in format_record(record)
