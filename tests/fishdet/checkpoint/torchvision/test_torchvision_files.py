"""Files between MMDetection and torchvision."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torchvision.models import get_model
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

from fishdet.checkpoint.load import classes_of, config_of, load_checkpoint
from fishdet.checkpoint.torchvision import (
    convert_file,
    export,
    from_torchvision,
    standalone,
    to_torchvision,
)
from fishdet.errors import FishdetError
from fishdet.inference import Detector

BLOCKED = ("mmdet", "mmcv", "mmengine", "fishdet", "fish_dataset", "tvops", "safetensors", "cv2")
RUN = f"""
import runpy, sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {BLOCKED}:
            raise ImportError(name + " is not to be imported")
sys.meta_path.insert(0, Blocker())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_an_export_runs_where_there_is_torchvision_alone(
    make_fish_model: Callable, save_model: Callable, tmp_path: Path
) -> None:
    cfg, model = make_fish_model("configs/fish.py")
    cfg.test_dataloader.dataset.pipeline[1].scale = (128, 128)
    checkpoint = save_model(cfg, model)
    detector = Detector(checkpoint, device="cpu", precision="fp32", score_thr=0.06)
    image = np.random.default_rng(0).integers(0, 255, (150, 200, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "reef.png"), image)
    script = export(checkpoint, tmp_path / "fish_tv.pth")
    assert "NAME" not in script.read_text()
    alone = tmp_path / "elsewhere"
    alone.mkdir()
    for path in (script, tmp_path / "fish_tv.pth", tmp_path / "reef.png"):
        path.rename(alone / path.name)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [
        sys.executable,
        "-c",
        RUN,
        "fish_tv.py",
        "fish_tv.pth",
        "reef.png",
        "--score-thr",
        "0.06",
    ]
    done = subprocess.run(command, cwd=alone, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (found,) = map(json.loads, done.stdout.splitlines())
    expected = detector(str(alone / "reef.png"))
    assert len(found["detections"]) == len(expected) > 5
    names = [detection["class"] for detection in found["detections"]]
    assert names == expected.data["class_name"].tolist()
    boxes = np.array([detection["bbox"] for detection in found["detections"]])
    scores = np.array([detection["score"] for detection in found["detections"]])
    np.testing.assert_allclose(boxes, expected.xyxy, atol=1e-2)
    np.testing.assert_allclose(scores, expected.confidence, atol=1e-4)


@pytest.mark.parametrize(("model", "word"), [("reef.png", "no file that"), ("no.pth", "No such")])
def test_the_script_names_what_is_wrong(
    model: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cv2.imwrite(str(tmp_path / "reef.png"), np.zeros((9, 9, 3), np.uint8))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["script", model, "reef.png"])
    with pytest.raises(SystemExit, match=f"error: .*{word}"):
        standalone.main()


def test_detectors_of_other_kinds_are_refused(tmp_path: Path) -> None:
    weights = {"backbone.body.conv1.weight": torch.zeros(1), "head.x.weight": torch.zeros(1)}
    torch.save(weights, tmp_path / "retina.pth")
    with pytest.raises(FishdetError, match="only Faster R-CNN"):
        convert_file(tmp_path / "retina.pth", tmp_path / "out.pth")


def test_an_export_is_no_source(
    make_fish_model: Callable, save_model: Callable, tmp_path: Path
) -> None:
    said = convert_file(save_model(*make_fish_model("configs/fish.py")), tmp_path / "fish_tv.pth")
    assert f"python {tmp_path / 'fish_tv.py'}" in said
    with pytest.raises(FishdetError, match="an export of this project"):
        convert_file(tmp_path / "fish_tv.pth", tmp_path / "again.pth")


@pytest.mark.parametrize("name", ["fish tv.pth", "fish.bin"])
def test_the_export_s_name_is_one_that_python_imports(name: str, tmp_path: Path) -> None:
    with pytest.raises(FishdetError, match="NAME.pth"):
        export(tmp_path / "any.pth", tmp_path / name)


def test_torchvision_s_weights_become_a_checkpoint_and_come_back(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = get_model("fasterrcnn_resnet50_fpn", weights=None, weights_backbone=None, num_classes=4)
    torch.save(model.state_dict(), tmp_path / "theirs.pth")
    for given, classes in (
        ("ray, eel", ["ray", "eel"]),
        ("ray, ray, eel", ["ray", "ray", "eel"]),
        ("none", None),
    ):
        with pytest.raises(FishdetError, match=f"3 classes .*--classes .given: {given}"):
            from_torchvision(tmp_path / "theirs.pth", tmp_path / "ours.pth", classes)
    names = from_torchvision(tmp_path / "theirs.pth", tmp_path / "ours.pth", ["ray", "eel", "cod"])
    assert names == ("ray", "eel", "cod")
    checkpoint = load_checkpoint(tmp_path / "ours.pth")
    assert config_of(checkpoint).model.backbone.norm_cfg.eps == 1e-5
    back = to_torchvision(tmp_path / "ours.pth")
    assert not back.spec["bounded_deltas"] and "sizes" in back.spec["anchors"]
    model.load_state_dict(back.module.state_dict())  # torchvision's own class takes it
    with pytest.raises(FishdetError, match="no weights of a torchvision detector"):
        from_torchvision(tmp_path / "ours.pth", tmp_path / "again.pth")


def test_coco_weights_lose_the_numbers_that_coco_has_left_out(tmp_path: Path) -> None:
    model = get_model(
        "fasterrcnn_resnet50_fpn", weights=None, weights_backbone=None, num_classes=91
    )
    torch.save(model.state_dict(), tmp_path / "coco.pth")
    names = from_torchvision(tmp_path / "coco.pth", tmp_path / "ours.pth")
    categories = FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"]
    checkpoint = load_checkpoint(tmp_path / "ours.pth")
    assert len(names) == 80 and classes_of(checkpoint) == names
    assert config_of(checkpoint).model.backbone.norm_cfg.eps == 0.0
    theirs = model.roi_heads.box_predictor
    rows = checkpoint["state_dict"]["roi_head.bbox_head.fc_cls.weight"]
    boxes = checkpoint["state_dict"]["roi_head.bbox_head.fc_reg.weight"]
    assert torch.equal(rows[-1], theirs.cls_score.weight[0])
    for name in ("person", "bird", "toothbrush"):
        old, new = categories.index(name), names.index(name)
        assert torch.equal(rows[new], theirs.cls_score.weight[old])
        assert torch.equal(
            boxes[4 * new : 4 * new + 4], theirs.bbox_pred.weight[4 * old : 4 * old + 4]
        )
