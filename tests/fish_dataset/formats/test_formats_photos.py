"""Folders of photos named by species, in whatever language."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from fish_dataset.coco import read_coco
from fish_dataset.conversion import convert
from fish_dataset.errors import FishDataError
from fish_dataset.formats import recognise


def photo(path: Path, size: tuple[int, int] = (40, 30)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(str(path))).integers(0, 255, (size[1], size[0], 3))
    cv2.imwrite(str(path), pixels.astype(np.uint8))


def test_languages_join_and_each_photo_is_a_box(tmp_path: Path) -> None:
    source = tmp_path / "photos"
    photo(source / "train" / "고등어" / "1.png")
    photo(source / "train" / "Scomber japonicus" / "2.png")
    photo(source / "val" / "넙치" / "3.png", (50, 20))
    assert recognise(source)[0].name == "photos"
    done = convert(source, tmp_path / "out")
    assert not done.lost
    data, findings = read_coco(
        tmp_path / "out" / "train.json", image_dir=tmp_path / "out" / "images"
    )
    assert not findings and data.num_images == data.num_boxes == 2
    assert len({data.classes[label] for label in data.labels}) == 1  # one species, two languages
    val, _ = read_coco(tmp_path / "out" / "val.json", check_images=False)
    assert val.bboxes.tolist() == [[0, 0, 50, 20]]


def test_a_name_that_is_not_known_stays_and_is_told(tmp_path: Path) -> None:
    source = tmp_path / "photos"
    photo(source / "고등어" / "1.png")
    photo(source / "my own fish" / "2.png")
    (source / "고등어" / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(FishDataError, match="none of the known formats"):
        recognise(source)  # only with --format: it could be anything
    done = convert(source, tmp_path / "out", format_name="photos")
    assert done.lost  # the broken one
    data, _ = read_coco(tmp_path / "out" / "train.json", check_images=False)
    assert "my own fish" in data.classes and data.num_boxes == 2
    assert any("my own fish" in note for note in done.account["notes"])


def test_nothing_to_read(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FishDataError, match="no folders of photos"):
        convert(tmp_path / "empty", tmp_path / "out", format_name="photos")
