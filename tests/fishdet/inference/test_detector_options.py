"""What a detector's options change, on a small network with random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
import supervision as sv
import torch
from PIL import Image

from fishdet.errors import FishdetError
from fishdet.inference import Detector
from fishdet.inference.calibration import Calibration

if TYPE_CHECKING:
    from conftest import Tiny

COMMON: dict[str, Any] = {"device": "cpu", "precision": "fp32", "score_thr": 0.05}


@pytest.fixture(scope="module")
def detector(tiny: Tiny) -> Detector:
    return Detector(tiny.path, **COMMON)


def assert_same(one: sv.Detections, other: sv.Detections) -> None:
    np.testing.assert_allclose(one.xyxy, other.xyxy, atol=1e-2)
    np.testing.assert_allclose(one.confidence, other.confidence, atol=1e-5)
    np.testing.assert_array_equal(one.class_id, other.class_id)


def test_names_and_runner_up_come_with_each_box(detector: Detector, pictures: list[Path]) -> None:
    found = detector(pictures[0])
    assert found.data["species_id"][found.class_id == 0].tolist().count("anguilla-japonica")
    assert set(found.data["name_ko"]) <= {"장어", "고등어", "연어"}
    assert (found.data["runner_up_id"] != found.class_id).all()
    assert (found.data["runner_up_id"] >= 0).all()
    # Softmax over the classes and background: the two together stay below 1, and a second score
    # above the first would have been the first of its box's own class.
    total = found.data["runner_up_score"] + found.confidence
    assert (total <= 1 + 1e-5).all() and (found.data["runner_up_score"] > 0).all()
    names = np.array(detector.names)[found.data["runner_up_id"]]
    np.testing.assert_array_equal(found.data["runner_up"], names)


def test_the_runner_up_is_the_other_label_of_the_same_roi(detector: Detector) -> None:
    """Without NMS and limits every RoI appears once a class, so both must name each other."""
    head = detector.network.model.roi_head
    before = head.test_cfg.nms, head.test_cfg.score_thr, head.test_cfg.max_per_img
    head.test_cfg.nms = {"type": "nms", "iou_threshold": 1.0}
    head.test_cfg.score_thr, head.test_cfg.max_per_img = 0.0, 10000
    try:
        found = detector.network([np.full((120, 160, 3), 77, np.uint8)])[0]
    finally:
        head.test_cfg.nms, head.test_cfg.score_thr, head.test_cfg.max_per_img = before
    rows = np.arange(len(found))
    np.testing.assert_array_equal(found.class_scores[rows, found.labels], found.scores)
    kept = {tuple(row) for row in found.class_scores.tolist()}
    assert len(rows) > 100 and len(kept) * 3 >= len(rows) > len(kept)


def test_a_stream_reads_a_batch_ahead_and_keeps_order(
    tiny: Tiny, detector: Detector, pictures: list[Path]
) -> None:
    small = Detector(tiny.path, batch_size=2, **COMMON)
    read = []

    def source() -> Any:
        for path in [*pictures, *pictures]:
            read.append(path)
            yield path

    stream = small(source())
    assert read == []
    first = next(stream)
    assert len(read) == 2
    results = [first, *stream]
    for found, path in zip(results, [*pictures, *pictures], strict=True):
        assert_same(found, detector(path))


def test_rgb_arrays(tiny: Tiny, detector: Detector, pictures: list[Path]) -> None:
    rgb = Detector(tiny.path, channels="rgb", **COMMON)
    array = cv2.imread(str(pictures[0]))
    assert_same(rgb(array[..., ::-1]), detector(array))
    assert_same(rgb(Image.open(pictures[0])), detector(array))
    with pytest.raises(FishdetError, match="channels 'rbg'"):
        Detector(tiny.path, channels="rbg", **COMMON)


def test_thresholds_of_classes(tiny: Tiny, detector: Detector, pictures: list[Path]) -> None:
    options = COMMON | {"score_thr": {"eel": 1.0, "*": 0.05}}
    found = Detector(tiny.path, **options)(pictures[0])
    every = detector(pictures[0])
    assert_same(found, every[every.class_id != 0])
    with pytest.raises(FishdetError, match="no such class"):
        Detector(tiny.path, **COMMON | {"score_thr": {"whale": 0.5}})


def test_tiling_a_small_picture_changes_nothing_and_flips_mirror(
    tiny: Tiny, detector: Detector, pictures: list[Path]
) -> None:
    assert_same(Detector(tiny.path, tile=256, **COMMON)(pictures[0]), detector(pictures[0]))
    flipping = Detector(tiny.path, flip=True, **COMMON)
    image = cv2.imread(str(pictures[0]))
    plain, mirrored = flipping(image), flipping(np.ascontiguousarray(image[:, ::-1]))
    x1, y1, x2, y2 = mirrored.xyxy.T
    back = np.stack([160 - x2, y1, 160 - x1, y2], axis=1)
    np.testing.assert_allclose(np.sort(back, axis=0), np.sort(plain.xyxy, axis=0), atol=0.05)


def test_no_species_compete_for_one_fish(tiny: Tiny, pictures: list[Path]) -> None:
    found = Detector(tiny.path, agnostic_nms=0.5, **COMMON)(pictures[0])
    iou = sv.box_iou_batch(found.xyxy, found.xyxy)
    assert len(found) > 1 and (iou[~np.eye(len(found), dtype=bool)] <= 0.5).all()


def test_calibrated_scores(
    tiny: Tiny, detector: Detector, pictures: list[Path], tmp_path: Path
) -> None:
    plain = detector(pictures[0])
    assert plain.metadata["calibrated"] is False
    np.testing.assert_array_equal(plain.data["calibrated"], plain.confidence)
    model = tmp_path / "best_x.pth"
    model.write_bytes(tiny.path.read_bytes())
    (tmp_path / "calibration.json").write_text(json.dumps({"temperature": 2.0, "bias": 0.5}))
    found = Detector(tmp_path, **COMMON)(pictures[0])
    assert found.metadata["calibrated"] is True
    logit = np.log(plain.confidence / (1 - plain.confidence))
    expected = 1 / (1 + np.exp(-(logit / 2 + 0.5)))
    np.testing.assert_allclose(found.data["calibrated"], expected, atol=1e-5)
    (tmp_path / "calibration.json").write_text('{"temperature": 0}')
    with pytest.raises(FishdetError, match="temperature 0"):
        Detector(tmp_path, **COMMON)


def test_a_temperature_by_hand() -> None:
    scores = np.array([0.2, 0.5, 0.8], np.float32)  # logits -ln 4, 0, ln 4; halved: 1/3, 1/2, 2/3
    np.testing.assert_allclose(Calibration(2.0)(scores), [1 / 3, 1 / 2, 2 / 3], atol=1e-6)


def test_an_option_that_is_none(tiny: Tiny) -> None:
    with pytest.raises(FishdetError, match="no option flips; it has agnostic_nms"):
        Detector(tiny.path, flips=True, **COMMON)


def test_boxes_are_finer_than_bf16(tiny: Tiny, pictures: list[Path]) -> None:
    found = Detector(tiny.path, **COMMON | {"precision": "bf16"})(pictures[0])
    inside = (found.xyxy > 1) & (found.xyxy < 119)
    rounded = torch.from_numpy(found.xyxy).bfloat16().float().numpy()
    assert (rounded != found.xyxy)[inside].mean() > 0.8
