"""tools/predict.py from the command line's arguments to the files that it leaves."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from pycocotools.coco import COCO
from rich.console import Console

from fish_dataset.progress import track
from fishdet.checkpoint.finding import find_checkpoint
from fishdet.errors import FishdetError
from fishdet.inference import Detector
from fishdet.inference.options import ONE_FISH_IOU

if TYPE_CHECKING:
    from conftest import Tiny

COMMON = ["--device", "cpu", "--precision", "fp32", "--score-thr", "0.05"]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    path = Path(__file__).resolve().parents[3] / "tools" / "predict.py"
    spec = importlib.util.spec_from_file_location("predict_tool", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(pictures: list[Path], tmp_path: Path) -> Path:
    """Pictures of one name in two folders, one of another format, and two broken files."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    shutil.copy(pictures[0], tmp_path / "in" / "a.png")
    shutil.copy(pictures[2], tmp_path / "in" / "deep" / "a.png")
    cv2.imwrite(str(tmp_path / "in" / "b.bmp"), cv2.imread(str(pictures[1])))
    (tmp_path / "in" / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    (tmp_path / "in" / "empty.png").write_bytes(b"")
    return tmp_path / "in"


@pytest.mark.parametrize("drawn", [True, False])
def test_a_model_of_drawn_fish_is_said_to_be_one(
    tool: ModuleType, tiny: Tiny, pictures: list[Path], tmp_path: Path, drawn: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    cfg = Config.fromfile(tiny.config_file)
    if drawn:
        cfg.builtin_data = dict(root="data/fish_builtin")
    cfg.dump(tmp_path / "config.py")
    arguments = [str(tiny.path), str(pictures[0]), "--config", str(tmp_path / "config.py")]
    assert tool.main([*arguments, "--out", str(tmp_path / "out"), *COMMON]) == 0
    assert ("drawn fish only" in capsys.readouterr().out) == drawn


def test_a_folder_with_broken_files(
    tool: ModuleType, tiny: Tiny, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = [
        str(tiny.path),
        str(folder),
        "--out",
        str(out),
        "--lang",
        "ko",
        "--batch-size",
        "2",
    ]
    assert tool.main([*arguments, *COMMON]) == 1
    said = capsys.readouterr()
    assert "2 files could not be read" in said.err
    assert "broken.jpg" in said.err and "empty.png" in said.err
    assert "images: 5 of 5" in said.out
    written = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert written == ["a.png", "b.bmp.png", "deep/a.png", "predictions.json"]
    assert cv2.imread(str(out / "deep/a.png")).shape == (200, 150, 3)
    coco = json.loads((out / "predictions.json").read_text(encoding="utf-8"))
    assert [image["file_name"] for image in coco["images"]] == ["a.png", "b.bmp", "deep/a.png"]
    assert [one["name_ko"] for one in coco["categories"]] == ["장어", "고등어", "연어"]
    by_name = {one["name_ko"]: one["id"] for one in coco["categories"]}
    for name, number in by_name.items():
        count = sum(one["category_id"] == number for one in coco["annotations"])
        assert any(name in line and f" {count} " in line for line in said.out.splitlines())


def test_the_json_holds_what_the_detector_returns(
    tool: ModuleType, tiny: Tiny, pictures: list[Path], tmp_path: Path
) -> None:
    arguments = [str(tiny.path), *map(str, pictures), "--out", str(tmp_path / "out")]
    assert tool.main([*arguments, *COMMON]) == 0
    coco = COCO(str(tmp_path / "out" / "predictions.json"))
    settings = {"device": "cpu", "precision": "fp32", "agnostic_nms": ONE_FISH_IOU}
    detector = Detector(tiny.path, score_thr=0.05, **settings)
    for number, path in enumerate(pictures, start=1):
        found = detector(path)
        stored = coco.loadAnns(coco.getAnnIds(imgIds=[number]))
        boxes = np.array([one["bbox"] for one in stored])
        boxes[:, 2:] += boxes[:, :2]
        np.testing.assert_allclose(boxes, found.xyxy, atol=0.02)
        np.testing.assert_allclose([one["score"] for one in stored], found.confidence, atol=1e-4)
        assert [one["category_id"] - 1 for one in stored] == found.class_id.tolist()


def test_the_drawn_picture_differs_from_the_input(
    tool: ModuleType, tiny: Tiny, pictures: list[Path], tmp_path: Path
) -> None:
    before = pictures[0].read_bytes()
    assert tool.main([str(tiny.path), str(pictures[0]), "--out", str(tmp_path / "o"), *COMMON]) == 0
    assert pictures[0].read_bytes() == before
    drawn = cv2.imread(str(tmp_path / "o" / pictures[0].name))
    assert (drawn != cv2.imread(str(pictures[0]))).any(axis=2).mean() > 0.01


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["{folder}", "--out", "{folder}"], "is an input folder"),
        (["{folder}/a.png", "--out", "{folder}"], "written over"),
        (["{folder}", "--out", "{folder}/a.png"], "is a file"),
        (["{folder}/none*.jpg", "--out", "{folder}/../o"], "no images in"),
        (["{folder}/none.jpg", "--out", "{folder}/../o"], "there is no such file or folder"),
        (["{folder}", "--out", "{folder}/../o", "--batch-size", "0"], "batch_size 0"),
        (["{folder}", "--out", "{folder}/../o", "--config", "gone.py"], "gone.py"),
    ],
)
def test_mistakes_end_with_2_and_write_nothing(
    tool: ModuleType, tiny: Tiny, folder: Path, extra: list[str], message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    before = sorted(folder.parent.rglob("*"))
    arguments = [one.format(folder=folder) for one in extra]
    assert tool.main([str(tiny.path), *arguments, *COMMON]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and message in said
    assert sorted(folder.parent.rglob("*")) == before


def test_results_inside_the_input_folder_are_no_inputs_the_next_time(
    tool: ModuleType, tiny: Tiny, folder: Path
) -> None:
    arguments = [str(tiny.path), str(folder), "--out", str(folder / "found"), *COMMON]
    assert tool.main(arguments) == 1
    first = sorted(folder.rglob("*"))
    assert tool.main(arguments) == 1
    assert sorted(folder.rglob("*")) == first


def test_an_image_that_the_pipeline_cannot_take_is_reported(
    tool: ModuleType, tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    cv2.imwrite(str(tmp_path / "in" / "line.png"), np.zeros((1, 900, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "in" / "whole.png"), np.zeros((90, 90, 3), np.uint8))
    arguments = [
        str(tiny.path),
        str(tmp_path / "in"),
        "--out",
        str(tmp_path / "out"),
        "--batch-size",
        "2",
    ]
    status = tool.main([*arguments, *COMMON])
    coco = json.loads((tmp_path / "out" / "predictions.json").read_text(encoding="utf-8"))
    assert "whole.png" in [image["file_name"] for image in coco["images"]]
    assert status == (1 if len(coco["images"]) == 1 else 0)
    assert (status == 1) == ("line.png" in capsys.readouterr().err)


def test_a_work_dir_gives_its_best_else_its_last_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(FishdetError, match="no checkpoint in this folder"):
        find_checkpoint(tmp_path)
    (tmp_path / "epoch_3.pth").write_bytes(b"x")
    (tmp_path / "last_checkpoint").write_text("/moved/away/epoch_3.pth")
    assert find_checkpoint(tmp_path) == tmp_path / "epoch_3.pth"
    (tmp_path / "best_coco_bbox_mAP_epoch_2.pth").write_bytes(b"x")
    assert find_checkpoint(tmp_path).name == "best_coco_bbox_mAP_epoch_2.pth"
    assert find_checkpoint(tmp_path / "any.pth") == tmp_path / "any.pth"


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_counts_every_item(terminal: bool, tmp_path: Path) -> None:
    with (tmp_path / "log").open("w", encoding="utf-8") as file:
        console = Console(file=file, force_terminal=terminal, width=80)
        batches = [["a", "b"], ["c"]]
        assert list(track(batches, 3, console=console)) == batches
    text = (tmp_path / "log").read_text(encoding="utf-8")
    assert ("3/3" if terminal else "images: 3 of 3") in text
    assert terminal or "\x1b" not in text


def test_real_pictures(tool: ModuleType, tiny: Tiny, fishdet_data: Path, tmp_path: Path) -> None:
    names = sorted(path.name for path in (fishdet_data / "aquarium" / "images").iterdir())[:2]
    inputs = [str(fishdet_data / "aquarium" / "images" / name) for name in names]
    assert tool.main([str(tiny.path), *inputs, "--out", str(tmp_path / "out"), *COMMON]) == 0
    for name in names:
        original = cv2.imread(str(fishdet_data / "aquarium" / "images" / name))
        assert cv2.imread(str(tmp_path / "out" / name)).shape == original.shape
