"""Which model ``tools/predict.py`` takes where none is named."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from fishdet.checkpoint.finding import newest_published
from fishdet.checkpoint.published import write_published
from fishdet.errors import FishdetError
from fishdet.inference.choice import split_model


def release(path: Path, age: float) -> Path:
    """A file that says it is published, written ``age`` seconds ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_published(path, {}, {"format": 1, "name": path.stem, "classes": [{"name": "eel"}]})
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def test_the_newest_of_the_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FishdetError, match="holds no published one; train once"):
        newest_published(tmp_path)
    release(tmp_path / "run1" / "model" / "a.safetensors", 30)
    new = release(tmp_path / "run2" / "published" / "b.safetensors", 20)
    release(tmp_path / "run2" / ".model.partial-1" / "c.safetensors", 0)
    assert newest_published(tmp_path) == new
    (tmp_path / "run1" / "broken.safetensors").write_bytes(b"x")
    assert newest_published(tmp_path) == new
    assert "left out" in capsys.readouterr().err
    beside = release(tmp_path / "run3" / "d.safetensors", 10)
    assert newest_published(tmp_path) == beside


def test_weights_in_a_folder_that_is_no_work_dir_are_to_be_named(tmp_path: Path) -> None:
    (tmp_path / "mine.pth").touch()
    with pytest.raises(FishdetError, match="it holds mine.pth: name the file that is the model"):
        split_model([str(tmp_path), "x.jpg"])
    (tmp_path / "day 1").mkdir()
    (tmp_path / "day 1" / "one.JPG").touch()
    assert split_model([str(tmp_path), "x.jpg"]) == (None, [str(tmp_path), "x.jpg"])


def test_annotations_are_no_weights(tmp_path: Path) -> None:
    (tmp_path / "000001.xml").touch()
    assert split_model([str(tmp_path), "x.jpg"]) == (None, [str(tmp_path), "x.jpg"])
    (tmp_path / "000001.bin").touch()
    with pytest.raises(FishdetError, match="it holds 000001.xml: name the file"):
        split_model([str(tmp_path), "x.jpg"])


def test_model_and_pictures_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    release(Path("run/model/a.safetensors"), 0)
    Path("pictures").mkdir()
    for model in ("a.pth", "gone.safetensors", "run/model", "http://h/a.pth", "hf://o/r/a", "reef"):
        assert split_model([model, "x.jpg"]) == (model, ["x.jpg"])
    for pictures in (
        ["x.jpg"],
        ["x.JPG", "y.jpg"],
        ["pictures"],
        ["*.png", "b"],
        ["pictures", "a.pth"],
    ):
        assert split_model(pictures) == (None, pictures)
    assert split_model(["misspelt"]) == (None, ["misspelt"])
    for model in ("a.pth", "run/model"):
        with pytest.raises(FishdetError, match="is a model; name pictures"):
            split_model([model])
    shutil.rmtree("run")
