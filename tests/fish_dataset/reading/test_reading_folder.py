"""Data folders read as far as they go: what is told while and after it."""

from __future__ import annotations

import pytest

from fish_dataset.errors import FishDataError
from fish_dataset.reading import folder
from fish_dataset.reading.lenient import read_anyway


@pytest.fixture
def root(document, write, draw, tmp_path):
    write(document, "set/train.json")
    draw(tmp_path / "set" / "images", ["a.png", "b.png", "c.png"])
    return tmp_path / "set"


def test_a_sound_folder_has_no_notes(root):
    found = folder.read_folder_anyway(root)
    assert found.notes == () and found.parts["train"].annotations.num_boxes == 3


def test_every_byte_of_a_file_is_told(root):
    told: list[int] = []
    read_anyway(folder.find_splits(root)["train"], told.append)
    assert sum(told) == (root / "train.json").stat().st_size


def test_large_files_are_told_with_the_time_left(root, monkeypatch, capsys):
    folder.read_splits(root)
    assert capsys.readouterr().err == ""  # a small one is read before anybody wonders
    monkeypatch.setattr(folder, "LARGE", 1)
    monkeypatch.setattr(folder, "MEGA", 100)
    size = (root / "train.json").stat().st_size
    folder.read_splits(root)
    assert f"MB of train.json: {-(-size // 100)} of {-(-size // 100)}, 0 s left" in (
        capsys.readouterr().err
    )
    folder.read_splits(root, progress=False)
    assert capsys.readouterr().err == ""


def test_nothing_to_read_is_an_error_that_names_each_file(root):
    (root / "train.json").write_text("[]")
    with pytest.raises(FishDataError, match=r"train.json: holds a JSON list"):
        folder.read_folder_anyway(root)
