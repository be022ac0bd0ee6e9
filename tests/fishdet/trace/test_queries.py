"""Traces of detectors of the transformers library: random weights, every family."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmdet.utils import register_all_modules
from mmengine.runner import save_checkpoint
from small_models import shrink
from small_rcnn import CLASSES, busy_picture

from fishdet.checkpoint.papers import checkpoint_papers
from fishdet.config import load_config, set_img_scale, set_num_classes
from fishdet.errors import FishdetError
from fishdet.inference.detector import Detector
from fishdet.trace.command import TraceOptions, run
from fishdet.trace.queries import record_queries
from fishdet.trace.queries_page import overlap, speaker

pytest.importorskip("transformers", reason="needs the extra [transformers]")

ROOT = Path(__file__).resolve().parents[3]
SIDES = {"d-fine_1x_fish": 128, "lw-detr_1x_fish": 128, "rt-detrv2_r50_1x_fish": 128}
LARGE = {"rf-detr_1x_fish": 112}  # a backbone of its own size: seconds


def saved(folder: Path, name: str, side: int) -> Path:
    """A checkpoint of a config made small, whose scores spread."""
    register_all_modules(init_default_scope=True)
    cfg = load_config(ROOT / f"configs/transformers/{name}.py")
    shrink(cfg.model)
    set_num_classes(cfg, len(CLASSES))
    set_img_scale(cfg, (side, side))
    cfg.test_dataloader.dataset.metainfo = dict(classes=CLASSES)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "class_embed" in key or "bbox_embed" in key:
                parameter.add_(torch.randn_like(parameter) * 0.2)
    papers = checkpoint_papers(cfg, {"classes": CLASSES, "train": {"sha256": "0" * 64}})
    meta = {"fishdet": papers, "dataset_meta": {"classes": CLASSES}}
    save_checkpoint({"meta": meta, "state_dict": model.state_dict()}, str(folder / "model.pth"))
    return folder / "model.pth"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("queries"), "rt-detrv2_r50_1x_fish", 128)


@pytest.mark.parametrize(
    ("name", "side"),
    [*SIDES.items(), *(pytest.param(*one, marks=pytest.mark.slow) for one in LARGE.items())],
)
def test_the_queries_are_what_the_detector_answers(tmp_path: Path, name: str, side: int) -> None:
    detector = Detector(saved(tmp_path, name, side), score_thr=0.3, precision="fp32")
    trace = record_queries(detector, busy_picture())
    found = detector(busy_picture())
    assert len(found) > 0 and len(trace.query) == len(found)
    height, width = trace.image.shape[:2]
    mine = np.clip(trace.boxes[trace.query], 0, [width, height, width, height])
    for box, score, label in zip(found.xyxy, found.confidence, found.class_id, strict=True):
        same = np.abs(mine - box).max(1) < 0.1
        near = np.abs(trace.scores[trace.query, label] - score) < 1e-4
        assert (same & (trace.label == label) & near).any()
    assert trace.start.shape == trace.boxes.shape == (len(trace.scores), 4)
    middles = (trace.start[:, :2] + trace.start[:, 2:]) / 2
    assert (middles >= 0).all() and (middles <= [width, height]).all()


def test_the_last_layer_is_where_the_query_ends(model: Path) -> None:
    trace = record_queries(Detector(model, score_thr=0.3, precision="fp32"), busy_picture())
    assert len(trace.layers) == 2
    np.testing.assert_allclose(trace.layers[-1], trace.boxes, atol=1e-2)
    assert not np.allclose(trace.start, trace.boxes, atol=1)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_page_json_and_arrays_agree(model: Path, tmp_path: Path, lang: str) -> None:
    picture = tmp_path / "물고기.png"
    cv2.imencode(".png", busy_picture())[1].tofile(picture)
    out = tmp_path / "deep" / "out"
    told = run(TraceOptions(str(model), picture, out, json=True, npz=True, lang=lang, fish=2))
    plain = json.loads((out / "trace.json").read_text(encoding="utf-8"))
    arrays = np.load(out / "trace.npz")
    assert told.startswith(f"{len(plain['detections'])} fish, {plain['queries']} queries")
    first = plain["detections"][0]
    assert first["box"] == arrays["boxes"][first["query"]].tolist()
    assert first["start"] == arrays["start"][first["query"]].tolist()
    assert first["score"] == pytest.approx(max(first["scores"].values()))
    page = (out / "trace.html").read_text(encoding="utf-8")
    assert f'<html lang="{lang}">' in page and speaker(lang)("ways") in page
    assert page.count("data:image/jpeg") == 2 + min(12, len(plain["detections"]))


def test_a_fish_that_is_not_there_is_told(model: Path, tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    cv2.imwrite(str(picture), busy_picture())
    with pytest.raises(FishdetError, match=r"--fish 9999: \d+ fish reach the score"):
        run(TraceOptions(str(model), picture, tmp_path / "out", fish=9999))
    told = run(TraceOptions(str(model), picture, tmp_path / "out", score_thr="1.0"))
    assert told.startswith("0 fish")
    page = (tmp_path / "out/trace.html").read_text(encoding="utf-8")
    assert "No fish reaches the threshold." in page


def test_overlap_by_hand() -> None:
    assert overlap(np.array([0.0, 0, 10, 10]), np.array([5.0, 0, 15, 10])) == pytest.approx(1 / 3)
    assert overlap(np.zeros(4), np.zeros(4)) == 0
