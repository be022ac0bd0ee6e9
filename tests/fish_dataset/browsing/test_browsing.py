"""Contact sheets: which pictures, what is drawn, training's views, bad input."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from fish_dataset.annotations import Annotations
from fish_dataset.browsing import Wanted, browse
from fish_dataset.browsing.browse import stored
from fish_dataset.browsing.choose import labels_of, rows_with, some
from fish_dataset.browsing.tile import Shown, captioned, draw
from fish_dataset.browsing.training import training_dataset, view
from fish_dataset.coco import read_coco
from fish_dataset.errors import FishDataError
from fish_dataset.folder import Part
from fish_dataset.layout import find_splits
from fish_dataset.palette import palette

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def data(document: dict, write, draw, tmp_path: Path) -> Path:
    root = tmp_path / "set"
    write(document, "set/train.json")
    draw(root / "images", ["a.png", "b.png", "c.png"])
    return root


@pytest.fixture
def annotations(data: Path) -> Annotations:
    return read_coco(data / "train.json", image_dir=data / "images")[0]


def test_pictures_of_a_class_and_chance_by_seed(annotations: Annotations) -> None:
    assert rows_with(annotations, None).tolist() == [0, 1, 2]
    assert rows_with(annotations, [1]).tolist() == [0, 1]
    rows = np.arange(100)
    assert some(rows, 10, 3).tolist() == some(rows, 10, 3).tolist() != some(rows, 10, 4).tolist()
    assert np.all(np.diff(some(rows, 10, 3)) > 0) and some(rows, 200, 3).tolist() == rows.tolist()


def test_classes_by_spelling_and_by_species() -> None:
    classes = ("eel", "mackerel", "fish")
    assert labels_of(["eel", "fish"], classes) == [0, 2]
    assert labels_of(["고등어"], classes) == [1]
    with pytest.raises(FishDataError, match="did you mean 'eel'.*'mackerel'"):
        labels_of(["eeel"], classes)


def test_boxes_are_drawn_where_they_are_in_the_colour_of_the_class() -> None:
    shown = Shown(
        np.zeros((50, 100, 3), np.uint8),
        np.array([[20.0, 20, 60, 40], [70, 10, 90, 30]]),
        np.array([1, 0]),
        np.array([False, True]),
        "a.png",
    )
    tile = draw(shown, ("eel", "a"), 200)
    assert tile.shape == (100, 200, 3)
    assert tile[60, 40].tolist() == list(palette(2)[1][::-1])  # left side, at twice the size
    assert tile[60, 119].tolist() == list(palette(2)[1][::-1])
    assert tile[60, 80].tolist() == [0, 0, 0]
    assert tile[40, 140].tolist() == [150, 150, 150]  # ignored boxes are grey


def test_a_tile_fits_its_cell_whatever_the_caption() -> None:
    image = np.zeros((80, 100, 3), np.uint8)
    for text in ("", "고등어_001.jpg", "x" * 500):
        assert captioned(image, text, (110, 108)).shape == (110, 108, 3)


def test_an_unreadable_picture_is_a_grey_tile(data: Path, annotations: Annotations) -> None:
    (data / "images" / "a.png").write_bytes(b"gone bad")
    shown = stored(Part(annotations, data / "images"), 0)
    assert shown.pixels is None and draw(shown, annotations.classes, 120).shape[1] == 120


def test_sheets_and_page(drawn_data: Path, tmp_path: Path) -> None:
    files = browse(drawn_data, tmp_path / "out", Wanted(count=7, side=100, columns=3))
    assert [path.name for path in files] == [
        "index.html",
        "sheet_train_001.jpg",
        "sheet_val_001.jpg",
    ]
    sheet = cv2.imread(str(files[1]))
    assert sheet.shape == (3 * 123, 3 * 108, 3)  # seven pictures in threes
    text = files[0].read_text(encoding="utf-8")
    assert len(re.findall(r"<b>(?:train|val)_\d{6}\.jpg</b>", text)) == 13
    assert "7 of 12 pictures" in text and "6 of 6 pictures" in text


def test_only_pictures_of_a_species(drawn_data: Path, tmp_path: Path) -> None:
    files = browse(drawn_data, tmp_path / "o", Wanted(classes=("고등어",), splits=("train",)))
    shown = set(re.findall(r"<b>(train_\d{6}\.jpg)</b>", files[0].read_text(encoding="utf-8")))
    found, _ = read_coco(drawn_data / "train.json", image_dir=drawn_data / "images")
    label = found.classes.index("mackerel")
    assert shown == {found.file_names[int(i)] for i in found.box_image[found.labels == label]}


def test_only_pictures_with_faults(document: dict, write, draw, tmp_path: Path) -> None:
    """The second picture has one box twice over."""
    twice = {**document["annotations"][1], "id": 9}
    document["annotations"].append(twice)
    write(document, "set/train.json")
    draw(tmp_path / "set" / "images", ["a.png", "b.png", "c.png"])
    files = browse(tmp_path / "set", tmp_path / "o", Wanted(faults=True))
    assert "b.png" in files[0].read_text(encoding="utf-8")


def test_what_training_refuses_can_be_looked_at(
    document: dict, write, draw, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    """Two boxes and a picture of train are unusable, val is no JSON."""
    document["annotations"][0]["bbox"] = [900, 5, 20, 10]
    document["annotations"][1]["category_id"] = 77
    document["images"][2].update(file_name="none.png", width=None)
    write(document, "set/train.json")
    (tmp_path / "set" / "val.json").write_text("{")
    draw(tmp_path / "set" / "images", ["a.png", "b.png"])
    files = browse(tmp_path / "set", tmp_path / "o", Wanted())
    told = capsys.readouterr().err
    assert "1 of 3 pictures and 2 of 3 boxes cannot be shown" in told
    assert "1 × box-outside" in told and "val.json: cut short" in told and "validate.py" in told
    page = files[0].read_text(encoding="utf-8")
    assert "a.png" in page and "2 of 3 boxes cannot be shown" in page
    files = browse(tmp_path / "set", tmp_path / "f", Wanted(faults=True))
    assert "box-outside" in files[0].read_text(encoding="utf-8")
    (tmp_path / "set" / "train.json").write_text("[]")
    with pytest.raises(FishDataError, match="(?s)train.json.*val.json"):
        browse(tmp_path / "set", tmp_path / "n", Wanted())


CONFIG = """
train_dataloader = dict(dataset=dict(
    type="RepeatDataset", times=2, dataset=dict(
        type="FishDataset", ann_file="nowhere.json", filter_cfg=dict(filter_empty_gt=True),
        metainfo=dict(classes=("other",)),
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="LoadAnnotations", with_bbox=True),
            dict(type="Resize", scale=(128, 128), keep_ratio=True),
            dict(type="RandomFlip", prob=0.5),
            dict(type="PackDetInputs"),
        ])))
"""


def test_views_are_what_the_pipeline_gives(data: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.py"
    config.write_text(CONFIG)
    dataset = training_dataset(config, find_splits(data)["train"])
    before = np.random.get_state()[1].copy()
    views = [view(dataset, 0, 5, number) for number in range(12)]
    assert np.array_equal(before, np.random.get_state()[1])  # chance outside is left alone
    again = view(dataset, 0, 5, 3)
    assert np.array_equal(again.pixels, views[3].pixels)
    straight, mirrored = [8, 10, 48, 30], [80, 10, 120, 30]  # [4, 5, 24, 15] at twice the size
    corners = [one.corners[0].tolist() for one in views]
    assert all(one in (straight, mirrored) for one in corners)
    assert straight in corners and mirrored in corners
    assert all(one.pixels.shape == (96, 128, 3) for one in views)
    assert len(view(dataset, 2, 0, 0).corners) == 0  # the filter of empty pictures is off


def test_views_of_the_shipped_config_on_a_sheet(drawn_data: Path, tmp_path: Path) -> None:
    wanted = Wanted(splits=("val",), count=2, config=ROOT / "configs/fish.py", views=2, side=96)
    files = browse(drawn_data, tmp_path / "o", wanted)
    assert cv2.imread(str(files[1])).shape == (2 * 119, 3 * 104, 3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"splits": ("test",)}, "no split 'test'; it has train"),
        ({"classes": ("whale",)}, "class 'whale'"),
        ({"config": Path("no.py")}, "no.py: no such file"),
    ],
)
def test_what_is_not_there_is_named_and_nothing_written(
    data: Path, tmp_path: Path, options: dict, words: str
) -> None:
    with pytest.raises(FishDataError, match=words):
        browse(data, tmp_path / "o", Wanted(**options))
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    "text",
    [
        "def (",
        "a = 1",
        "train_dataloader = dict(dataset=dict(type='NoSuch'))",
        "train_dataloader = dict(dataset=dict(type='FishDataset', pipeline=[dict(type='Nope')]))",
    ],
)
def test_configs_that_cannot_be_used(data: Path, tmp_path: Path, text: str) -> None:
    config = tmp_path / "bad.py"
    config.write_text(text)
    with pytest.raises(FishDataError, match="bad.py"):
        browse(data, tmp_path / "o", Wanted(config=config))


def test_numbers_out_of_range_and_places_in_the_data(data: Path) -> None:
    for name in ("count", "views", "side", "columns"):
        with pytest.raises(FishDataError, match=f"{name}=0"):
            Wanted(**{name: 0})
    with pytest.raises(FishDataError, match="never written to"):
        browse(data, data / "sheets", Wanted())


def test_tool(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    arguments = [str(data), "--out", str(tmp_path / "o"), "--class", "eel"]
    monkeypatch.setattr(sys, "argv", ["browse.py", *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "tools/dataset/browse.py"), run_name="__main__")
    assert not ended.value.code and "1 sheet in" in capsys.readouterr().out
    assert (tmp_path / "o/sheet_train_001.jpg").is_file()
