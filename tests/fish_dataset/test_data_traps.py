"""Traps of MMDetection and pycocotools that the loader removes, each shown without the guard."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from mmdet.datasets import CocoDataset
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from fish_dataset import FishDataError, FishDataset, coco_dict, read_coco


def options(path, classes) -> dict:
    return {
        "ann_file": str(path),
        "data_prefix": {"img": str(path.parent)},
        "metainfo": {"classes": classes},
        "lazy_init": False,
    }


def names_of_first_boxes(dataset) -> list[str]:
    infos = [dataset.get_data_info(index) for index in range(2)]
    return [dataset.metainfo["classes"][info["instances"][0]["bbox_label"]] for info in infos]


def test_trap_1_classes_are_never_permuted(document, write):
    path = write(document)  # the first box is an eel, that of the second image a salmon
    classes = ("salmon", "eel")
    theirs = CocoDataset(**options(path, classes))
    assert names_of_first_boxes(theirs) == ["salmon", "eel"]  # the trap: names do not fit labels
    ours = FishDataset(**options(path, classes), check_images=False)
    assert names_of_first_boxes(ours) == ["eel", "salmon"]


def average_precision(document: dict) -> float:
    """AP of detections that equal the truth, by pycocotools."""
    detections = [
        {
            "image_id": box["image_id"],
            "category_id": box["category_id"],
            "bbox": box["bbox"],
            "score": 0.9,
        }
        for box in document["annotations"]
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {"info": {}, **document}
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(detections), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])


def test_trap_2_an_annotation_of_id_0_does_not_spoil_ap(document, write):
    for number, box in enumerate(document["annotations"]):
        box["id"] = number
    assert average_precision(document) < 0.8  # the trap: perfect detections, AP far from 1
    annotations, findings = read_coco(write(document))
    assert average_precision(coco_dict(annotations)) == pytest.approx(1.0)
    assert [finding.rule for finding in findings] == ["annotation-id-renumbered"] * 3


def test_trap_3_wrong_class_names_stop_the_run(document, write):
    path = write(document)
    theirs = CocoDataset(**options(path, ("Eel", "tuna")))
    boxes = [len(theirs.get_data_info(index)["instances"]) for index in range(3)]
    assert boxes == [0, 0, 0]  # the trap: all boxes are gone without a word
    with pytest.raises(FishDataError) as caught:
        FishDataset(**options(path, ("Eel", "tuna")), check_images=False)
    for words in ("'Eel', 'tuna'", "'eel', 'salmon'", "'eel' looks like 'Eel'"):
        assert words in str(caught.value)


@pytest.mark.parametrize("bbox", [[70, 5, 5, 5], [10, 10, 0, 5], [10, 10, -5, 5]])
def test_trap_4_boxes_do_not_vanish(document, write, bbox):
    document["annotations"][1]["bbox"] = bbox
    path = write(document)
    theirs = CocoDataset(**options(path, ("eel", "salmon")))
    assert theirs.get_data_info(1)["instances"] == []  # the trap
    with pytest.raises(FishDataError, match=r"annotations\[1\]\.bbox"):
        FishDataset(**options(path, ("eel", "salmon")), check_images=False)


@pytest.mark.parametrize("key", ["area", "width"])
def test_trap_4_missing_fields_are_mended(document, write, draw, tmp_path, key):
    draw(tmp_path, ["a.png", "b.png", "c.png"])
    for entry in document["annotations"] + document["images"]:
        entry.pop(key, None)
    path = write(document)
    with pytest.raises(KeyError, match=key):  # the trap
        CocoDataset(**options(path, ("eel", "salmon")))
    ours = FishDataset(**options(path, ("eel", "salmon")))
    assert ours.annotations.areas.tolist() == [200, 400, 360]
    assert ours.annotations.widths.tolist() == [64, 64, 64]


def test_trap_4_text_ids_that_are_numbers_here_and_there(document, write):
    for image in document["images"]:
        image["id"] = str(image["id"])
    path = write(document)
    theirs = CocoDataset(**options(path, ("eel", "salmon")))
    assert sum(len(info["instances"]) for info in map(theirs.get_data_info, range(3))) == 0
    ours = FishDataset(**options(path, ("eel", "salmon")), check_images=False)
    assert [len(ours.get_data_info(index)["instances"]) for index in range(3)] == [2, 1, 0]
    assert np.array_equal(ours.annotations.image_ids, [1, 2, 3])
