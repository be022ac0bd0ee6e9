from __future__ import annotations

import json

import pytest

from fish_dataset import FishDataError, Split, find_splits
from fish_dataset.layout import first_file_names

PICTURES = ["a.png", "b.png", "c.png"]


def test_plain_layout(document, write, draw, tmp_path):
    for name in ("train", "val", "test", "train_random"):
        write(document, f"{name}.json")
    images = draw(tmp_path / "images", PICTURES)
    assert find_splits(tmp_path) == {
        name: Split(tmp_path / f"{name}.json", images) for name in ("train", "val", "test")
    }


@pytest.mark.parametrize("folder", ["images/train", "train", "."])
def test_plain_layout_with_pictures_elsewhere(document, write, draw, tmp_path, folder):
    write(document, "train.json")
    draw(tmp_path / "images", ["of another split.png"])
    draw(tmp_path / folder, PICTURES)
    assert find_splits(str(tmp_path))["train"].image_dir == tmp_path / folder


@pytest.mark.parametrize("folder", ["train2017", "images/train2017", "images/train", "images"])
def test_coco_layout(document, write, draw, tmp_path, folder):
    path = write(document, "annotations/instances_train2017.json")
    draw(tmp_path / "val2017", PICTURES)  # pictures of the same names, of another split
    draw(tmp_path / folder, PICTURES)
    assert find_splits(tmp_path) == {"train": Split(path, tmp_path / folder)}


def test_roboflow_layout(document, write, draw, tmp_path):
    for name in ("train", "valid", "test"):
        write(document, f"{name}/_annotations.coco.json")
        draw(tmp_path / name, PICTURES)
    splits = find_splits(tmp_path)
    assert list(splits) == ["train", "val", "test"]
    assert splits["val"] == Split(tmp_path / "valid" / "_annotations.coco.json", tmp_path / "valid")


def test_names_with_folders_and_backslashes(document, write, draw, tmp_path):
    for image in document["images"]:
        image["file_name"] = "images\\day1\\" + image["file_name"]
    write(document)
    draw(tmp_path / "images" / "day1", PICTURES)
    assert find_splits(tmp_path)["train"].image_dir == tmp_path


def test_names_with_folders_of_another_machine(document, write, draw, tmp_path):
    for image in document["images"]:
        image["file_name"] = "D:\\survey\\2024\\" + image["file_name"]
    write(document)
    images = draw(tmp_path / "images", PICTURES)
    assert find_splits(tmp_path)["train"].image_dir == images


def test_two_candidates_are_both_named(document, write, draw, tmp_path):
    write(document, "annotations/instances_train2014.json")
    write(document, "annotations/instances_train2017.json")
    with pytest.raises(FishDataError) as caught:
        find_splits(tmp_path)
    assert "instances_train2014.json" in str(caught.value)
    assert "instances_train2017.json" in str(caught.value)


def test_pictures_that_are_nowhere(document, write, draw, tmp_path):
    path = write(document)
    draw(tmp_path / "images", ["z.png"])
    with pytest.raises(FishDataError) as caught:
        find_splits(tmp_path)
    for word in (str(path), "'a.png'", str(tmp_path / "images"), str(tmp_path / "train")):
        assert word in str(caught.value)


def test_a_broken_file_is_left_for_the_reader_to_judge(tmp_path):
    (tmp_path / "train.json").write_text("")
    (tmp_path / "images").mkdir()
    assert find_splits(tmp_path)["train"].image_dir == tmp_path / "images"
    (tmp_path / "train.json").write_bytes(b'{"images": [{"file_name": "\\ud8zz')
    assert find_splits(tmp_path)["train"].image_dir == tmp_path / "images"


def test_missing_folder_and_file(tmp_path):
    with pytest.raises(FishDataError, match="no such data folder"):
        find_splits(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(FishDataError, match="is a file, not a folder"):
        find_splits(tmp_path / "file")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("data.yaml", "data.yaml (YOLO)"),
        ("labels/a.txt", "labels (YOLO)"),
        ("Annotations/a.xml", "Annotations/a.xml (Pascal VOC)"),
        ("fish.json", "fish.json (JSON of another name)"),
        ("boxes.csv", "boxes.csv (table)"),
        ("notes", "notes"),
        (None, "an empty folder"),
    ],
)
def test_other_formats_are_named_with_the_remedy(tmp_path, name, words):
    if name:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    with pytest.raises(FishDataError) as caught:
        find_splits(tmp_path)
    assert f"Found: {words}" in str(caught.value)
    assert f"python tools/dataset/convert.py {tmp_path} OUT" in str(caught.value)


def test_a_folder_too_high_is_told(document, write, tmp_path):
    write(document, "fish/train.json")
    with pytest.raises(FishDataError, match=f"Did you mean {tmp_path / 'fish'}"):
        find_splits(tmp_path)


def test_first_file_names_reads_escapes_and_stops(tmp_path):
    names = [f'연어 "{i}".png' for i in range(9)]
    path = tmp_path / "a.json"
    for ascii_only in (True, False):
        path.write_text(
            json.dumps([{"file_name": name} for name in names], ensure_ascii=ascii_only),
            encoding="utf-8",
        )
        assert first_file_names(path, 4) == names[:4]


def test_an_annotation_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "train.json").mkdir()
    with pytest.raises(FishDataError, match=r"train\.json: cannot be read"):
        first_file_names(tmp_path / "train.json")
