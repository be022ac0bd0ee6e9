"""Exported files: what runs them, what they carry, and what is refused."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import numpy as np
import pytest
import torch
from detections_alike import picture, require_equal
from mmdet.registry import MODELS
from mmdet.utils import register_all_modules
from own_truth import own_truth
from PIL import Image
from small_detectors import CLASSES, lively, small_config

from fish_dataset import FishDataError
from fishdet import Detector, FishdetError
from fishdet.checkpoint.papers import config_from_json, config_to_json
from fishdet.export.run import ExportOptions, export
from fishdet.inference.sessions import papers_of
from fishdet.testing import TestOptions as Options
from fishdet.testing import test as evaluate

pytest.importorskip("onnx", reason="the extra [export] is not installed")
pytest.importorskip("onnxruntime", reason="the extra [export] is not installed")

ROOT = Path(__file__).resolve().parents[3]
ABSENT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchvision", "mmdet", "mmengine", "mmcv"):
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Absent())
"""
WITHOUT_TORCH = """
import numpy as np
from fishdet import Detector
found = Detector(sys.argv[1], score_thr=0.05)(np.load(sys.argv[2]))
print(len(found), found.data["class_name"][0])
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    register_all_modules(init_default_scope=False)
    cfg = small_config("agnostic")
    model = MODELS.build(cfg.model)
    lively(model)
    papers = {"config": config_to_json(cfg), "classes": list(CLASSES), "data_digest": "ab" * 32,
              "calibration": {"temperature": 1.5, "bias": 0.1}}  # fmt: skip
    path = tmp_path_factory.mktemp("export") / "small.pth"
    torch.save({"state_dict": model.state_dict(), "meta": {"fishdet": papers}}, path)
    return path


@pytest.fixture(scope="module")
def exported(checkpoint: Path) -> Path:
    return export(ExportOptions(str(checkpoint)))[0]


def test_onnx_gives_the_detections_of_pytorch(checkpoint: Path, exported: Path) -> None:
    plain = Detector(checkpoint, device="cpu", precision="fp32", score_thr=0.0)
    other = Detector(exported, score_thr=0.0, batch_size=2)
    assert other.classes == plain.classes and other.calibration == plain.calibration
    images = [picture(96, 144), picture(200, 120), picture(96, 144, 1)]
    for found, wanted in zip(other.network(images), plain.network(images), strict=True):
        assert len(wanted) > 5
        require_equal(found, wanted)
    found, wanted = other(images[0]), plain(images[0])
    assert set(found.data) == set(wanted.data)
    np.testing.assert_allclose(found.data["runner_up_score"][:5],
                               wanted.data["runner_up_score"][:5], atol=1e-3)  # fmt: skip


def test_openvino_gives_them_by_winograd_too(checkpoint: Path, tmp_path, monkeypatch) -> None:
    pytest.importorskip("openvino", reason="needs the extra [export]")
    monkeypatch.setattr("fishdet.inference.openvino_winograd.FEWEST_CHANNELS", 8)
    monkeypatch.setattr("fishdet.inference.openvino_winograd.FEWEST_TILES", 1)
    monkeypatch.setattr("fishdet.inference.sessions.usable_cores", lambda: 2)
    options = ExportOptions(str(checkpoint), format="openvino", out=tmp_path / "small.xml")
    path = export(options)[0]
    plain = Detector(checkpoint, device="cpu", precision="fp32", score_thr=0.0)
    other = Detector(path, score_thr=0.0, batch_size=2)
    assert "convolutions by Winograd" in other.engine
    images = [picture(96, 144), picture(200, 120), picture(96, 144, 1)]
    for found, wanted in zip(other.network(images), plain.network(images), strict=True):
        assert len(wanted) > 5
        require_equal(found, wanted)


def test_exported_model_needs_no_pytorch(exported: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "picture.npy", picture(96, 144))
    command = [
        sys.executable,
        "-c",
        ABSENT + WITHOUT_TORCH,
        str(exported),
        str(tmp_path / "picture.npy"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1] in CLASSES


@pytest.mark.parametrize(
    "words",
    [
        "tools/predict.py {model} {picture} --out {out}",
        "tools/export.py {model}",
        "tools/analysis/profile.py predict {model} {picture}",
    ],
)
def test_a_trained_model_without_pytorch_ends_in_one_line(
    words: str, checkpoint: Path, tmp_path: Path
) -> None:
    Image.fromarray(picture(96, 144)).save(tmp_path / "fish.png")
    model = tmp_path / "model" / "alone.pth"  # no export lies beside it
    model.parent.mkdir()
    model.write_bytes(checkpoint.read_bytes())
    places = {"model": model, "picture": tmp_path / "fish.png", "out": tmp_path / "out"}
    arguments = [word.format(**places) for word in words.split()]
    run = f"import runpy\nsys.argv = {arguments!r}\nrunpy.run_path(sys.argv[0], None, '__main__')"
    done = subprocess.run(
        [sys.executable, "-c", ABSENT + run], capture_output=True, text=True, timeout=120, cwd=ROOT
    )
    assert done.returncode == 2, done.stderr
    assert "not installed: pip install -e ." in done.stderr
    assert "Traceback" not in done.stderr


def test_an_export_beside_the_model_runs_where_pytorch_is_missing(
    checkpoint: Path, exported: Path, tmp_path: Path
) -> None:
    assert exported == checkpoint.with_suffix(".onnx")
    Image.fromarray(picture(96, 144)).save(tmp_path / "fish.png")
    arguments = ["tools/predict.py", str(checkpoint), str(tmp_path / "fish.png"),
                 "--out", str(tmp_path / "out")]  # fmt: skip
    run = f"import runpy\nsys.argv = {arguments!r}\nrunpy.run_path(sys.argv[0], None, '__main__')"
    done = subprocess.run(
        [sys.executable, "-c", ABSENT + run], capture_output=True, text=True, timeout=120, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert "onnxruntime" in done.stdout and "PyTorch is not installed" in done.stdout
    assert "1 picture in" in done.stdout


def test_a_model_of_drawn_fish_says_so_when_exported(checkpoint: Path, tmp_path: Path) -> None:
    stored = torch.load(checkpoint, weights_only=True)
    papers = stored["meta"]["fishdet"]
    cfg = config_from_json(papers["config"])
    cfg.builtin_data = dict(root="data/fish_builtin", seed=0, train=4, val=4, size=96)
    stored["meta"]["fishdet"] = {**papers, "config": config_to_json(cfg)}
    torch.save(stored, tmp_path / "drawn.pth")
    assert Detector(export(ExportOptions(str(tmp_path / "drawn.pth")))[0]).drawn_only


def test_what_is_refused(exported: Path, checkpoint: Path, tmp_path: Path) -> None:
    import onnx

    broken = tmp_path / "broken.onnx"
    broken.write_bytes(exported.read_bytes()[:5000])
    model = onnx.load(str(exported))
    papers = json.loads(model.metadata_props[0].value)
    assert papers["data_digest"] == "ab" * 32
    for name, text in (("later", json.dumps({**papers, "export_format": 9})), ("none", None)):
        del model.metadata_props[:]
        if text:
            onnx.helper.set_model_props(model, {"fishdet": text})
        onnx.save(model, str(tmp_path / f"{name}.onnx"))
    for file, options, said in (
        (broken, {}, "cannot be opened"),
        (tmp_path / "later.onnx", {}, "export format 9"),
        (tmp_path / "none.onnx", {}, "no papers"),
        (tmp_path / "missing.onnx", {}, "no such file"),
        (exported, {"precision": "bf16"}, "--precision bf16"),
        (exported, {"config": "x.py"}, "carries its config"),
    ):
        with pytest.raises(FishdetError, match=said):
            Detector(file, **options)
    (tmp_path / "folder.onnx").mkdir()
    for model, options, said in (
        (checkpoint, {"format": "openvino", "out": tmp_path / "model.onnx"}, "ends in .xml"),
        (checkpoint, {"out": tmp_path / "folder.onnx"}, "is a folder"),
        (checkpoint, {"out": broken / "small.onnx"}, "cannot be written"),
        (checkpoint, {"format": "torchscript", "int8": True}, "torchscript has none"),
        (exported, {}, "exported already"),
    ):
        with pytest.raises((FishdetError, FishDataError), match=said):
            export(ExportOptions(str(model), **options))


def test_an_exported_model_is_evaluated_as_a_trained_one(
    checkpoint: Path, exported: Path, tmp_path: Path
) -> None:
    plain = Detector(checkpoint, device="cpu", precision="fp32", score_thr=0.2)
    data = own_truth(plain, tmp_path / "data", images=2)
    options = dict(config=ROOT / "configs" / "fish.py", data=data, work_dir=tmp_path / "run",
                   intervals=0, out=tmp_path / "result.json")  # fmt: skip
    totals = evaluate(Options(checkpoint=exported, **options))
    # What scores less than the truth's 0.2 is found besides, and only below it.
    assert totals["coco/bbox_mAP"] > 0.99
    assert json.loads((tmp_path / "result.json").read_text())["coco/bbox_mAP"] > 0.99
    assert (tmp_path / "run" / "evaluation.json").is_file()
    with pytest.raises(FishdetError, match="--img-scale, --tta: .* exported model"):
        evaluate(Options(checkpoint=exported, img_scale=(64, 64), tta=True, **options))
    (data / "val.json").write_text((data / "val.json").read_text().replace(CLASSES[0], "shark"))
    (data / "train.json").unlink()
    with pytest.raises(FishdetError, match="other species"):
        evaluate(Options(checkpoint=exported, **options))


def test_the_fast_preset_travels_with_the_file(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fishdet.analysis.proposals.DROP", 1.0)  # random weights need them all
    with pytest.raises(FishdetError, match="--data DIR"):
        export(ExportOptions(str(checkpoint), fast=True))
    plain = Detector(checkpoint, device="cpu", precision="fp32", score_thr=0.2)
    data = own_truth(plain, tmp_path / "data", images=1)
    options = ExportOptions(str(checkpoint), out=tmp_path / "fast.onnx", fast=True, data=data)
    path, papers = export(options)
    number, ap = papers["fast"]["proposals"], papers["fast"]["ap"]
    assert number == 50 and ap["before"] - ap["after"] <= 1.0
    few = Detector(checkpoint, device="cpu", precision="fp32", score_thr=0.0, proposals=number)
    image = picture(96, 144)
    (found,), (wanted,) = Detector(path, score_thr=0.0).network([image]), few.network([image])
    require_equal(found, wanted)


def test_an_unsupported_part_is_named() -> None:
    from fishdet.export.graph import graph_of

    cfg = small_config("agnostic")
    cfg.model.test_cfg.rcnn.nms = dict(type="soft_nms", iou_threshold=0.5)
    with pytest.raises(FishdetError, match="rcnn.nms.type 'soft_nms'"):
        graph_of(MODELS.build(cfg.model), [])


def test_int8_needs_data_with_boxes(checkpoint: Path, tmp_path: Path) -> None:
    pytest.importorskip("nncf", reason="the extra [export] is not installed")
    with pytest.raises(FishdetError, match="--data DIR"):
        export(ExportOptions(str(checkpoint), int8=True))
    (tmp_path / "images").mkdir()
    Image.fromarray(picture(96, 144)).save(tmp_path / "images" / "empty.png")
    content = {
        "images": [{"id": 1, "file_name": "empty.png", "width": 144, "height": 96}],
        "annotations": [],
        "categories": [{"id": i, "name": name} for i, name in enumerate(CLASSES, 1)],
    }
    for split in ("train", "val"):
        (tmp_path / f"{split}.json").write_text(json.dumps(content))
    out = tmp_path / "small.onnx"
    with pytest.raises(FishdetError, match="val.json: no boxes"):
        export(ExportOptions(str(checkpoint), int8=True, data=tmp_path, out=out))
    assert not out.exists()


@pytest.mark.parametrize(
    "words, said",
    [
        ("--int8 --drop -1", "--drop -1.0: AP from 0 to 1"),
        ("--int8 --images 0", "no whole number from 1 on"),
        ("--force", "for --int8 alone"),
        ("--data x", "for --int8 and --fast alone"),
        ("--fast --proposals 9 --data x", "give one of them"),
    ],
)
def test_flags_that_mean_nothing_are_refused(
    words: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["export.py", "model.pth", *words.split()])
    with pytest.raises(SystemExit):
        runpy.run_path(str(ROOT / "tools" / "export.py"), run_name="__main__")
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["onnx", "openvino"])
def test_the_profile_of_an_exported_model_names_its_operators(
    checkpoint: Path, exported: Path, tmp_path: Path, kind: str
) -> None:
    from fishdet.analysis.profile.run import profile_prediction

    path = exported
    if kind == "openvino":
        pytest.importorskip("openvino", reason="openvino is not installed (extra [export])")
        options = ExportOptions(str(checkpoint), format=kind, out=tmp_path / "small.xml")
        path = export(options)[0]
    Image.fromarray(picture(96, 128)).save(tmp_path / "fish.png")
    found = profile_prediction(str(path), tmp_path / "fish.png", repeats=2)
    assert {"load", "model", "results"} <= set(found.stages)
    assert found.stages["model"].calls == 2
    kinds = {name.split(" ")[0]: calls for name, _, calls in found.operators}
    assert {"onnx": "Conv", "openvino": "Convolution"}[kind] in kinds
    spent = sum(seconds for _, seconds, _ in found.operators)
    assert 0 < spent < 20 * found.stages["model"].seconds


def test_the_command_of_the_page_installs_the_extra_runtime() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    extra = setup["options.extras_require"]["runtime"].split()
    page = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^pip install (numpy .+)$", page, flags=re.MULTILINE)
    assert sorted(command.split()) == sorted(line.split(">=")[0].lower() for line in extra)


def test_an_export_beside_the_model_runs_it(checkpoint: Path, tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="the extra [export] is not installed")
    model = tmp_path / "small.pth"
    model.write_bytes(checkpoint.read_bytes())
    image = picture(96, 144)
    before = Detector(model, device="cpu", precision="fp32", score_thr=0.0)
    assert "PyTorch" in before.engine and "tools/export.py" in before.faster
    path, papers = export(ExportOptions(str(model), "openvino"))
    assert papers_of(path) == papers
    after = Detector(model, device="cpu", precision="fp32", score_thr=0.0)
    assert "openvino" in after.engine and "export of this model" in after.engine
    assert after.calibration == before.calibration and not after.faster
    require_equal(after.network([image])[0], before.network([image])[0])
    assert hasattr(after.as_trained().network, "model")
    few = Detector(model, device="cpu", precision="fp32", proposals=20)
    assert "PyTorch" in few.engine and "other proposals" in few.engine
