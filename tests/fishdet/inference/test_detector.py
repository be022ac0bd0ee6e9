"""The detector, against MMDetection's own inference on the same checkpoint."""

from __future__ import annotations

import copy
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
import supervision as sv
from mmdet.apis import inference_detector, init_detector
from mmengine.config import Config
from PIL import Image

from fishdet.config import set_num_classes
from fishdet.errors import FishdetError
from fishdet.inference import Detector

if TYPE_CHECKING:
    from conftest import Tiny


@pytest.fixture(scope="module")
def detector(tiny: Tiny) -> Detector:
    return Detector(tiny.path, score_thr=0.05, device="cpu", precision="fp32")


def assert_equal(one: sv.Detections, other: sv.Detections, tolerance: float = 1e-3) -> None:
    assert len(one) == len(other) > 0
    np.testing.assert_allclose(one.confidence, other.confidence, atol=tolerance)
    np.testing.assert_allclose(one.xyxy, other.xyxy, atol=100 * tolerance)
    np.testing.assert_array_equal(one.class_id, other.class_id)
    np.testing.assert_array_equal(one.data["class_name"], other.data["class_name"])


def test_same_boxes_as_mmdet(tiny: Tiny, detector: Detector, pictures: list[Path]) -> None:
    cfg = copy.deepcopy(tiny.cfg)
    reference = init_detector(cfg, str(tiny.path), device="cpu")
    for path in pictures:
        expected = inference_detector(reference, str(path)).pred_instances.numpy()
        expected = expected[np.argsort(-expected.scores, kind="stable")]
        found = detector(path)
        assert len(found) == len(expected.scores) > 10
        np.testing.assert_allclose(found.confidence, expected.scores, atol=1e-5)
        np.testing.assert_allclose(found.xyxy, expected.bboxes, atol=1e-3)
        np.testing.assert_array_equal(found.class_id, expected.labels)


def test_names_types_and_order(detector: Detector, pictures: list[Path]) -> None:
    found = detector(pictures[0])
    assert found.xyxy.shape == (len(found), 4) and found.xyxy.dtype == np.float32
    assert (np.diff(found.confidence) <= 0).all()
    names = np.array(["eel", "mackerel", "salmon"])
    np.testing.assert_array_equal(found.data["class_name"], names[found.class_id])
    right_bottom = found.xyxy[:, 2:].max(axis=0)
    assert (right_bottom <= [160, 120]).all() and found.xyxy.min() >= 0


def test_a_batch_equals_its_images_alone(detector: Detector, pictures: list[Path]) -> None:
    together = detector([pictures[0], pictures[2], pictures[1]])
    for found, path in zip(together, (pictures[0], pictures[2], pictures[1]), strict=True):
        assert_equal(found, detector(path))


def test_all_kinds_of_images_give_the_same(detector: Detector, pictures: list[Path]) -> None:
    path = pictures[0]
    array = cv2.imread(str(path))
    expected = detector(str(path))
    content = path.read_bytes()
    for image in (path, array, content, Image.open(io.BytesIO(content))):
        assert_equal(detector(image), expected, tolerance=1e-6)
    assert detector([]) == []


def test_score_threshold_and_empty_results(
    tiny: Tiny, detector: Detector, pictures: list[Path]
) -> None:
    scores = detector(pictures[0]).confidence
    middle = float((scores[5] + scores[6]) / 2)
    assert (
        len(Detector(tiny.path, score_thr=middle, device="cpu", precision="fp32")(pictures[0])) == 6
    )
    none = Detector(tiny.path, score_thr=1.0, device="cpu", precision="fp32")(pictures[0])
    assert len(none) == 0 and none.xyxy.shape == (0, 4)
    assert none.data["class_name"].shape == (0,) and none.class_id.shape == (0,)


def test_korean_names(tiny: Tiny, pictures: list[Path]) -> None:
    detector = Detector(tiny.path, score_thr=0.05, lang="ko", device="cpu", precision="fp32")
    assert detector.classes == ("eel", "mackerel", "salmon")
    found = detector(pictures[0])
    names = np.array(["장어", "고등어", "연어"])
    np.testing.assert_array_equal(found.data["class_name"], names[found.class_id])


def test_bf16_runs_on_a_cpu(tiny: Tiny, pictures: list[Path]) -> None:
    found = Detector(tiny.path, score_thr=0.05, device="cpu", precision="bf16")(pictures[0])
    assert found.xyxy.dtype == np.float32 and np.isfinite(found.xyxy).all() and len(found) > 0


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (3, 3)])
def test_odd_sizes_are_detected_on_or_refused(detector: Detector, size: tuple[int, int]) -> None:
    try:
        found = detector(np.zeros((*size, 3), np.uint8))
    except FishdetError as error:
        assert f"{size[1]}x{size[0]} pixels" in str(error)
    else:
        assert found.xyxy.shape[1] == 4


def test_unreadable_images_are_named(
    detector: Detector, pictures: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(FishdetError, match="gone.jpg"):
        detector([pictures[0], tmp_path / "gone.jpg"])
    with pytest.raises(FishdetError, match="image 1"):
        detector([pictures[0], b"nothing"])


def test_a_config_file_serves_a_checkpoint_without_one(
    tiny: Tiny, tmp_path: Path, pictures: list[Path]
) -> None:
    marker = tmp_path / "executed"
    text = f"__import__('pathlib').Path({str(marker)!r}).touch()\nmodel = dict()\n"
    meta: dict[str, Any] = {"cfg": text, "dataset_meta": {"classes": ("eel", "mackerel", "salmon")}}
    path = tiny.saved_as(tmp_path / "plain.pth", meta)
    with pytest.raises(FishdetError, match="plain.pth.*--config"):
        Detector(path, device="cpu")
    assert not marker.exists()
    options: dict[str, Any] = {"device": "cpu", "precision": "fp32", "score_thr": 0.05}
    found = Detector(path, config=tiny.config_file, **options)(pictures[0])
    assert_equal(found, Detector(tiny.path, **options)(pictures[0]))


def test_a_config_for_any_data_gets_the_classes_of_the_checkpoint(
    tiny: Tiny, tmp_path: Path, pictures: list[Path]
) -> None:
    cfg = copy.deepcopy(tiny.cfg)
    del cfg.test_dataloader.dataset.metainfo
    set_num_classes(cfg, 80)
    cfg.dump(tmp_path / "leaf.py")
    options: dict[str, Any] = {"device": "cpu", "precision": "fp32", "score_thr": 0.05}
    found = Detector(tiny.path, config=tmp_path / "leaf.py", **options)(pictures[0])
    assert_equal(found, Detector(tiny.path, **options)(pictures[0]))


def test_other_classes_in_config_and_checkpoint(tiny: Tiny, tmp_path: Path) -> None:
    path = tiny.with_config(tmp_path / "m.pth", tiny.cfg, classes=("eel", "salmon", "mackerel"))
    with pytest.raises(FishdetError) as error:
        Detector(path, device="cpu")
    assert "eel, salmon, mackerel" in str(error.value)
    assert "eel, mackerel, salmon" in str(error.value)


def test_no_classes_anywhere(tiny: Tiny, tmp_path: Path) -> None:
    cfg = copy.deepcopy(tiny.cfg)
    del cfg.test_dataloader.dataset.metainfo
    path = tiny.with_config(tmp_path / "m.pth", cfg, classes=())
    with pytest.raises(FishdetError, match="names the classes"):
        Detector(path, device="cpu")


EVIL = "subprocess.Popen"


@pytest.mark.parametrize("place", ["backbone", "nms", "assigner", "transform", "scope", "warp"])
def test_types_of_a_strangers_config_are_not_resolved(
    tiny: Tiny, tmp_path: Path, place: str
) -> None:
    marker = tmp_path / "executed"
    touch = f"__import__('pathlib').Path({str(marker)!r}).touch()"
    cfg = copy.deepcopy(tiny.cfg)
    if place == "backbone":
        cfg.model.backbone = {"type": EVIL, "args": ["touch", str(marker)]}
    elif place == "nms":
        cfg.model.test_cfg.rcnn.nms = {"type": touch}
    elif place == "assigner":
        cfg.model.train_cfg.rpn.assigner = {"type": "mmengine.Config.fromfile", "filename": "x.py"}
    elif place == "transform":
        cfg.test_dataloader.dataset.pipeline[1] = {
            "type": "os.system",
            "command": f"touch {marker}",
        }
    elif place == "scope":
        cfg.model.backbone["_scope_"] = "antigravity"
    else:
        cfg.model.train_cfg.rpn.assigner = {"type": "CameraMotionCompensation", "warp_mode": touch}
    path = tiny.with_config(tmp_path / "m.pth", cfg)
    with pytest.raises(FishdetError, match="config names the type"):
        Detector(path, device="cpu")
    assert not marker.exists()


def test_weights_of_another_model(tiny: Tiny, tmp_path: Path) -> None:
    cfg = copy.deepcopy(tiny.cfg)
    cfg.model.roi_head.bbox_head.num_classes = 5
    with pytest.raises(FishdetError, match=r"fc_cls.weight: \(4, 32\).*\(6, 32\)"):
        Detector(tiny.with_config(tmp_path / "m.pth", cfg), device="cpu")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"score_thr": 1.5}, "score_thr 1.5"),
        ({"device": "gpu"}, "device 'gpu': this machine has cpu"),
        ({"precision": "int4"}, "int4"),
        ({"lang": "jp"}, "jp"),
        ({"config": "nowhere.py"}, "nowhere.py"),
    ],
)
def test_bad_options(tiny: Tiny, options: dict[str, Any], message: str) -> None:
    with pytest.raises(Exception, match=message) as error:
        Detector(tiny.path, **({"device": "cpu"} | options))
    assert type(error.value).__name__ in ("FishdetError", "FishDataError")


@pytest.mark.parametrize(
    ("field", "message"),
    [("model", "model cannot be built"), ("test_dataloader", "test_dataloader.dataset.pipeline")],
)
def test_a_config_that_lacks_a_part(tiny: Tiny, tmp_path: Path, field: str, message: str) -> None:
    cfg = Config({key: value for key, value in tiny.cfg.to_dict().items() if key != field})
    with pytest.raises(FishdetError, match=message):
        Detector(tiny.with_config(tmp_path / "m.pth", cfg), device="cpu")
