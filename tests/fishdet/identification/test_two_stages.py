"""Two stages against one: what is put forward, and that better names give more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import supervision as sv

from fish_dataset.coco import read_coco
from fishdet.errors import FishdetError
from fishdet.evaluation.detections import Detections
from fishdet.identification import two_stages as ways
from fishdet.identification.gallery import Fitted, Gallery, Photo
from fishdet.identification.records import record_of


def test_a_fish_is_put_forward_as_each_species_that_it_may_be() -> None:
    boxes = np.array([[0, 0, 5, 5], [9, 9, 20, 20]], float)
    chances = np.array([[0.7, 0.0, 0.3], [0.01, 0.99, 0.0]])
    found, scores, labels = ways.as_named(boxes, np.array([0.5, 1.0]), chances)
    assert labels.tolist() == [0, 2, 1] and scores == pytest.approx([0.35, 0.15, 0.99])
    assert found[:, 0].tolist() == [0, 0, 9]


def test_a_fish_under_two_names_is_one() -> None:
    found = sv.Detections(
        np.array([[0, 0, 10, 10], [0, 0, 10, 9], [50, 50, 60, 60]], np.float32),
        confidence=np.array([0.4, 0.9, 0.5], np.float32),
        class_id=np.array([0, 1, 0]),
    )
    assert sorted(ways.once_each(found).confidence.tolist()) == pytest.approx([0.5, 0.9])


def test_chances_stand_in_the_order_of_the_data() -> None:
    gallery = Gallery("net", embeddings=np.zeros((0, 2), np.float32))
    for name, point in (("eel", [1, 0]), ("mackerel", [0, 1])):
        gallery = gallery.add(record_of(name), np.array([point], np.float32), [Photo(name, name)])
    gallery = gallery.calibrated(Fitted(0.1))
    records = [record_of(name) for name in ("salmon", "mackerel", "eel")]
    chances = ways.class_chances(gallery, np.array([[1, 0]], np.float32), records)
    assert chances[0] == pytest.approx([0, 0, 1], abs=1e-3)
    with pytest.raises(FishdetError, match="none of the data's species"):
        ways.class_chances(gallery, np.array([[1, 0]], np.float32), records[:1])


def test_better_names_are_a_difference_and_the_same_are_none(drawn_data: Path) -> None:
    data, _ = read_coco(drawn_data / "train.json", check_images=False)
    corners = data.bboxes + np.concatenate(
        [np.zeros_like(data.bboxes[:, :2]), data.bboxes[:, :2]], 1
    )
    right = Detections(data.box_image, corners, np.ones(len(corners)), data.labels.astype(np.int64))
    wrong = Detections(
        data.box_image, corners, np.ones(len(corners)),
        (right.labels + np.arange(len(corners)) % 2) % len(data.classes),
    )  # fmt: skip
    report = ways.score(data, wrong, right)
    assert report["bbox_mAP"][ways.BOTH] == pytest.approx(1)
    assert report["bbox_mAP"]["low"] > 0
    same = ways.score(data, right, right)["bbox_mAP"]
    assert same["difference"] == 0 and same["low"] <= 0 <= same["high"]
    species = {way: dict.fromkeys(data.classes, 0.5) for way in (ways.ALONE, ways.BOTH)}
    lines = ways.lines_of(report, data.classes, species)
    assert lines[0].startswith("AP: detector 0.") and len(lines) == 3 + len(data.classes)
