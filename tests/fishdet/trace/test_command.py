"""``tools/trace.py``: files that agree with one another, and one clear line for each mistake."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from small_rcnn import busy_picture, save_small_rcnn

from fishdet.errors import FishdetError
from fishdet.inference.detector import Detector
from fishdet.trace import content_security_policy, trace_page
from fishdet.trace.command import TraceOptions, run


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_small_rcnn(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "물고기.png"
    cv2.imencode(".png", busy_picture())[1].tofile(path)
    return path


def test_page_json_and_arrays_agree(model: str, picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    told = run(TraceOptions(model, picture, out, json=True, npz=True, lang="ko", fish=2))
    assert sorted(path.name for path in out.iterdir()) == ["trace.html", "trace.json", "trace.npz"]
    plain = json.loads((out / "trace.json").read_text(encoding="utf-8"))
    arrays = np.load(out / "trace.npz")
    assert told.startswith(f"{len(plain['detections'])} fish")
    for name, about in plain["features"].items():
        assert list(arrays[name].shape) == about["shape"]
    first, row = plain["detections"][0], arrays["roi_kept"][arrays["final"][0]]
    roi, label = arrays["roi_candidate_roi"][row], arrays["roi_candidate_label"][row]
    assert first["score"] == arrays["roi_scores"][roi, label]
    assert first["box"] == arrays["roi_boxes"][roi, label].tolist()
    assert first["anchor"]["box"] == arrays["rpn_anchors"][arrays["rpn_chosen"][roi]].tolist()
    page = (out / "trace.html").read_text(encoding="utf-8")
    assert '<html lang="ko">' in page


def test_levels_that_no_proposal_is_read_from_are_shown_too(model: str) -> None:
    detector = Detector(model, precision="fp32")
    page = trace_page(detector, busy_picture())
    shown = dict(re.findall(r"<p><b>(P\d)</b> <meter[^>]*>(\d+)</meter>", page))
    inputs = detector.network.model.roi_head.bbox_roi_extractor.num_inputs
    assert list(shown) == [f"P{level + 2}" for level in range(inputs)] and "0" in shown.values()


def test_a_model_of_drawn_fish_is_said_to_be_one(model: str) -> None:
    detector = Detector(model, precision="fp32")
    told = '<p class="warning"><span lang="en">This model has seen drawn fish only'
    assert told not in trace_page(detector, busy_picture())
    detector.drawn_only = True
    assert told in trace_page(detector, busy_picture())


def test_the_page_loads_nothing_and_allows_its_own_script_alone(model: str) -> None:
    page = trace_page(Detector(model, precision="fp32"), busy_picture(), "en")
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", page)
    assert not re.findall(r"\son\w+=|\sstyle=", page)
    for tag in ("style", "script"):
        text = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.S)
        assert len(text) == 1
        digest = base64.b64encode(hashlib.sha256(text[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in content_security_policy()


def test_a_class_name_cannot_leave_the_data(model: str) -> None:
    detector = Detector(model, precision="fp32")
    detector.classes = ("</script><script>alert(1)</script>", "<b>", "salmon")
    page = trace_page(detector, busy_picture())
    assert "<script>alert" not in page and "<b>'" not in page


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"fish": 0}, "--fish 0: 1 is the surest fish"),
        ({"fish": 5000}, r"--fish 5000: \d+ fish reach the score 0.3; choose a smaller number"),
        ({"image": Path("nothing.jpg")}, "nothing.jpg"),
        ({"model": "nothing.pth"}, "nothing.pth"),
    ],
)
def test_mistakes_are_named_and_nothing_is_written(
    model: str, picture: Path, tmp_path: Path, changed: dict[str, object], message: str
) -> None:
    options = {"model": model, "image": picture, "out": tmp_path / "out", **changed}
    with pytest.raises(FishdetError, match=message):
        run(TraceOptions(**options))  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_a_file_is_no_folder(model: str, picture: Path) -> None:
    with pytest.raises(FishdetError, match="is a file; name a folder"):
        run(TraceOptions(model, picture, picture))
