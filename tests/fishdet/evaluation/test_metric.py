"""FishMetric as mmengine's evaluator drives it."""

from __future__ import annotations

import json
import logging

import cv2
import numpy as np
import pytest
import torch
from mmdet.registry import METRICS
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from pycocotools.coco import COCO

from fish_dataset.coco import read_coco
from fishdet.errors import FishdetError
from fishdet.evaluation import FishMetric, evaluate

CLASSES = ("salmon", "eel", "mackerel")
EMPTY = ([], [], [])


@pytest.fixture
def logged():
    """Records that reach mmengine's logger, as (level name, text)."""
    records = []
    handler = logging.Handler()
    handler.emit = lambda record: records.append((record.levelname, record.getMessage()))
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    yield records
    logger.removeHandler(handler)


@pytest.fixture
def ann_file(tmp_path):
    """Four images with ids 3, 5, 8, 9; a salmon on 3 and on 5, an eel on 8, nothing on 9."""
    boxes = [(3, 1, [10, 10, 50, 40]), (5, 1, [0, 0, 120, 130]), (8, 2, [30, 30, 20, 20])]
    path = tmp_path / "val.json"
    path.write_text(json.dumps({
        "images": [{"id": i, "file_name": f"{i}.jpg", "width": 640, "height": 480}
                   for i in (3, 5, 8, 9)],
        "categories": [{"id": i + 1, "name": name} for i, name in enumerate(CLASSES)],
        "annotations": [{"id": k + 1, "image_id": image, "category_id": category, "bbox": box,
                         "area": box[2] * box[3], "iscrowd": 0}
                        for k, (image, category, box) in enumerate(boxes)],
    }))  # fmt: skip
    return path


RIGHT = {
    3: ([[10, 10, 60, 50]], [0.9], [0]),
    5: ([[0, 0, 120, 130]], [0.8], [0]),
    8: ([[30, 30, 50, 50]], [0.7], [1]),
    9: EMPTY,
}


def _sample(img_id, found, dtype=torch.float32):
    bboxes, scores, labels = found
    return {
        "img_id": img_id,
        "ori_shape": (480, 640),
        "pred_instances": {
            "bboxes": torch.tensor(bboxes, dtype=dtype).reshape(-1, 4),
            "scores": torch.tensor(scores, dtype=dtype),
            "labels": torch.tensor(labels, dtype=torch.int64),
        },
    }


def _run(metric, results, classes=CLASSES, dtype=torch.float32):
    """Drive the metric as a loop of batch size 1 does; results are (img_id, (boxes, …))."""
    evaluator = Evaluator(metric)
    evaluator.dataset_meta = {"classes": classes}
    for img_id, found in results:
        evaluator.process([_sample(img_id, found, dtype)])
    return evaluator.evaluate(size=len(results))


def test_registered_and_perfect(ann_file, logged):
    metric = METRICS.build({"type": "FishMetric", "ann_file": str(ann_file)})
    scores = _run(metric, list(RIGHT.items()))
    assert scores["coco/bbox_mAP"] == scores["coco/bbox_mAP_50"] == pytest.approx(1.0)
    assert scores["coco/bbox_AR_100"] == scores["coco/bbox_mAP_l"] == pytest.approx(1.0)
    assert [row["boxes"] for row in metric.report.per_class] == [2, 1, 0]
    assert metric.report.num_images == 4
    assert not [text for level, text in logged if level == "WARNING"]
    tables = [text for _, text in logged if "| species" in text]
    assert len(tables) == 1 and "mackerel" in tables[0]


def test_intervals_and_calibration_on_request(ann_file, logged):
    metric = FishMetric(ann_file, intervals=100)
    _run(metric, list(RIGHT.items()))
    record = metric.uncertainty.as_dict()
    assert record["intervals"]["bbox_mAP"] == pytest.approx((1.0, 1.0))
    assert record["bootstrap"]["species_groups"] == {"salmon": 2, "eel": 1, "mackerel": 0}
    assert record["ece"] == pytest.approx((0.1 + 0.2 + 0.3) / 3)
    table = next(text for _, text in logged if "| species" in text)
    assert "1.000 [1.00, 1.00]" in table and "D-ECE 0.200" in table
    assert "WARNING: 4 groups of images" in table and "not to be trusted" in table
    plain = FishMetric(ann_file)
    _run(plain, list(RIGHT.items()))
    assert plain.uncertainty is None  # a training pays for none of it
    with pytest.raises(FishdetError, match="intervals=-5: give a number of resamples"):
        FishMetric(ann_file, intervals=-5)
    from fish_dataset.errors import FishDataError

    with pytest.raises(FishDataError, match="group key 'dive'"):
        _run(FishMetric(ann_file, intervals=9, group_by=["dive"]), list(RIGHT.items()))


def test_undefined_totals_are_left_out(ann_file):
    scores = _run(FishMetric(ann_file), [(5, RIGHT[5])])  # one large box
    assert "coco/bbox_mAP_l" in scores
    assert "coco/bbox_mAP_s" not in scores and "coco/bbox_AR_m" not in scores
    assert all(np.isfinite(list(scores.values())))


def test_half_precision_predictions(ann_file):
    scores = _run(FishMetric(ann_file), list(RIGHT.items()), dtype=torch.bfloat16)
    assert scores["coco/bbox_mAP"] == pytest.approx(1.0)


def test_nothing_predicted_is_zero_and_said_once(ann_file, logged):
    scores = _run(FishMetric(ann_file), [(i, EMPTY) for i in RIGHT])
    assert scores["coco/bbox_mAP"] == scores["coco/bbox_mAP_50"] == scores["coco/bbox_mAP_75"] == 0
    warnings = [text for level, text in logged if level == "WARNING"]
    assert len(warnings) == 1
    assert "predicted nothing above its score threshold" in warnings[0]
    assert "score_thr" in warnings[0]


def test_order_of_the_data_set_stands_and_not_that_of_the_file(ann_file):
    order = ("mackerel", "eel", "salmon")
    swap = {i: (b, s, [2 - label for label in labels]) for i, (b, s, labels) in RIGHT.items()}
    metric = FishMetric(ann_file)
    assert _run(metric, list(swap.items()), order)["coco/bbox_mAP"] == pytest.approx(1.0)
    assert [row["name"] for row in metric.report.per_class] == list(order)
    # predictions in the file's order under the names of the data set: the permuted classes of
    # stock CocoDataset. It must cost the score and not go unseen.
    assert _run(FishMetric(ann_file), list(RIGHT.items()), order)["coco/bbox_mAP"] < 0.6


def test_classes_of_another_data_set_are_refused_before_the_loop(ann_file):
    from fish_dataset.errors import FishDataError

    evaluator = Evaluator(FishMetric(ann_file))
    with pytest.raises(FishDataError, match="tuna"):
        evaluator.dataset_meta = {"classes": ("salmon", "eel", "tuna")}


def test_annotations_in_place_of_a_file(ann_file):
    annotations, _ = read_coco(ann_file, check_images=False)
    scores = _run(FishMetric(annotations=annotations), list(RIGHT.items()))
    assert scores["coco/bbox_mAP"] == pytest.approx(1.0)
    with pytest.raises(FishdetError, match=r"'eel', 'salmon'.*same order"):
        _run(FishMetric(annotations=annotations), [], ("eel", "salmon", "mackerel"))


def test_a_file_that_is_repaired_is_scored_and_says_so(ann_file, tmp_path, logged):
    data = json.loads(ann_file.read_text())
    del data["images"][0]["width"]
    data["annotations"][1]["bbox"] = [-20, 0, 140, 130]  # reaches out of the image
    ann_file.write_text(json.dumps(data))
    cv2.imwrite(str(tmp_path / "3.jpg"), np.zeros((480, 640, 3), np.uint8))
    scores = _run(FishMetric(ann_file, image_dir=tmp_path), list(RIGHT.items()))
    assert scores["coco/bbox_mAP"] == pytest.approx(1.0)
    assert any("2 harmless faults repaired" in text for _, text in logged)


def test_duplicate_images_count_once(ann_file):
    wrong = ([[300, 300, 400, 400]] * 3, [0.99] * 3, [0, 1, 0])
    metric = FishMetric(ann_file)
    scores = _run(metric, [*RIGHT.items(), (3, wrong), (9, wrong)])
    assert scores["coco/bbox_mAP"] == pytest.approx(1.0)
    assert metric.report.num_images == 4 and metric.report.num_detections == 3


def test_unseen_images_are_left_out_and_counted(ann_file, logged):
    metric = FishMetric(ann_file)
    scores = _run(metric, [(8, RIGHT[8]), (3, RIGHT[3])])
    assert scores["coco/bbox_mAP"] == pytest.approx(1.0)
    assert metric.report.num_images == 2 and metric.report.num_boxes == 2
    assert any("2 of 4 images" in text for level, text in logged if level == "WARNING")


def test_two_epochs_do_not_mix(ann_file):
    metric = FishMetric(ann_file)
    _run(metric, [(i, EMPTY) for i in RIGHT])
    assert _run(metric, list(RIGHT.items()))["coco/bbox_mAP"] == pytest.approx(1.0)


def test_order_of_arrival_does_not_matter(random_case):
    annotations, detections = random_case(seed=11, images=12, decimals=1)
    parts = []
    for row, img_id in enumerate(annotations.image_ids.tolist()):
        of = detections.image_row == row
        parts.append((img_id, (detections.bboxes[of].tolist(), detections.scores[of].tolist(),
                               detections.labels[of].tolist())))  # fmt: skip
    there, back = FishMetric(annotations=annotations), FishMetric(annotations=annotations)
    scores = _run(there, parts, annotations.classes)
    assert scores == _run(back, parts[::-1], annotations.classes)
    direct = evaluate(annotations, detections).totals["bbox_mAP"]
    assert scores["coco/bbox_mAP"] == pytest.approx(direct, abs=1e-4)  # float32 against float64


def test_results_file_is_read_by_pycocotools(ann_file, tmp_path):
    path = tmp_path / "new" / "run.bbox.json"
    _run(FishMetric(ann_file, outfile_prefix=str(tmp_path / "new" / "run")), list(RIGHT.items()))
    results = json.loads(path.read_text())
    assert results[0].keys() == {"image_id", "category_id", "bbox", "score"}
    assert [(r["image_id"], r["category_id"], r["bbox"]) for r in results] == [
        (3, 1, [10, 10, 50, 40]), (5, 1, [0, 0, 120, 130]), (8, 2, [30, 30, 20, 20]),
    ]  # fmt: skip
    assert len(COCO(str(ann_file)).loadRes(str(path)).anns) == 3
    assert [file.name for file in path.parent.iterdir()] == ["run.bbox.json"]


def test_format_only_writes_and_does_not_score(ann_file, tmp_path):
    data = json.loads(ann_file.read_text())
    ann_file.write_text(json.dumps({**data, "annotations": []}))
    path = tmp_path / "out.json"
    metric = FishMetric(ann_file, format_only=True, results_file=path)
    assert _run(metric, list(RIGHT.items())) == {}
    assert metric.report is None and len(json.loads(path.read_text())) == 3


def test_results_file_that_cannot_be_written(ann_file, tmp_path):
    (tmp_path / "file").write_text("")
    metric = FishMetric(ann_file, results_file=tmp_path / "file" / "out.json")
    with pytest.raises(FishdetError, match=r"cannot write the results file .*out\.json"):
        _run(metric, list(RIGHT.items()))


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([], "no image reached the evaluator"),
        ([(3, EMPTY), (4, EMPTY), (77, EMPTY)], r"2 predicted images .* ids \[4, 77\]"),
        ([(9, EMPTY)], r"no boxes in .*val\.json"),
        ([(3, ([[0, 0, 5, 5]], [0.5], [7]))], r"1 of 1 have labels outside 0…2"),
        ([(3, ([[0, 0, 5, 5]], [float("nan")], [0]))], "scores that are NaN"),
    ],
    ids=["nothing seen", "unknown images", "no boxes", "labels", "NaN"],
)
def test_refused(ann_file, results, message):
    with pytest.raises(FishdetError, match=message):
        _run(FishMetric(ann_file), results)


def test_no_class_names(ann_file):
    metric = FishMetric(ann_file)
    metric.process(None, [_sample(3, EMPTY)])
    with pytest.raises(FishdetError, match="gave no class names"):
        metric.evaluate(1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "either ann_file"),
        ({"ann_file": "nowhere.json"}, r"nowhere\.json does not exist"),
        ({"ann_file": __file__, "format_only": True}, "results_file or outfile_prefix"),
    ],
)
def test_arguments(arguments, message):
    with pytest.raises(FishdetError, match=message):
        FishMetric(**arguments)


@pytest.mark.parametrize(
    "name",
    ["aquarium/train", "aquarium/val", "deepfish/train", "deepfish/val", "deepfish/val_random"],
)
def test_perfect_detections_of_real_data_score_one(fishdet_data, perfect, name):
    annotations, _ = read_coco(fishdet_data / f"{name}.json", check_images=False)
    assert annotations.num_boxes > 200
    report = evaluate(annotations, perfect(annotations))
    # A box that is labelled twice lets either detection take either box: still all found.
    assert report.totals["bbox_mAP"] == pytest.approx(1.0, abs=5e-4)
    assert report.totals["bbox_AR_100"] == pytest.approx(1.0, abs=5e-4)
    for row in report.per_class:
        assert row["boxes"] == 0 or row["AP"] == pytest.approx(1.0, abs=5e-4)
