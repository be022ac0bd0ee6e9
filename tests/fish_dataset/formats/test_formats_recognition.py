"""What a source is: several sets, damaged files, other encodings, sizes that disagree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fish_dataset import FishDataError
from fish_dataset.conversion import convert
from fish_dataset.folder import read_folder
from fish_dataset.formats import recognise
from fish_dataset.formats.source import options_from_text

LABELS = "0 0.5 0.5 0.25 0.5\n"


def yolo_set(root: Path, draw, names: str = "[eel]", encoding: str = "utf-8") -> Path:
    draw(root / "images/train", ["a.png"])
    (root / "labels/train").mkdir(parents=True)
    (root / "labels/train/a.txt").write_text(LABELS)
    (root / "data.yaml").write_text(f"train: images/train\nnames: {names}\n", encoding=encoding)
    return root


@pytest.fixture
def coco_set(document, write, draw, tmp_path) -> Path:
    write(document, "both/reef/train.json")
    draw(tmp_path / "both/reef/images", ["a.png", "b.png", "c.png"])
    return tmp_path / "both/reef"


def test_a_folder_of_several_sets_is_refused_with_the_commands(coco_set, draw, tmp_path):
    yolo_set(tmp_path / "both/2024/lab", draw)
    with pytest.raises(FishDataError, match="holds 2 data sets") as caught:
        convert(tmp_path / "both", tmp_path / "out", format_name="coco")
    said = str(caught.value)
    assert f"convert.py {coco_set} {tmp_path / 'out/reef'}" in said
    assert f"{tmp_path / 'both/2024/lab'} {tmp_path / 'out/2024/lab'}" in said
    assert "merge.py" in said and "reef (train.json)" in said
    assert not (tmp_path / "out").exists()


def test_real_sets_in_one_folder_are_named(fishdet_data, tmp_path):
    with pytest.raises(FishDataError, match="holds 3 data sets: aquarium .*aquarium_yolo .*deepf"):
        convert(fishdet_data, tmp_path / "out")


def test_splits_in_folders_are_one_set(document, write, draw, tmp_path):
    for split in ("train", "valid"):
        write(document, f"set/{split}/_annotations.coco.json")
        draw(tmp_path / "set" / split, ["a.png", "b.png", "c.png"])
    done = convert(tmp_path / "set", tmp_path / "out")
    assert list(done.account["splits"]) == ["train", "val"]


def test_a_set_inside_of_a_set_is_told(coco_set, draw, tmp_path):
    yolo_set(coco_set / "export", draw)
    done = convert(coco_set, tmp_path / "out", format_name="coco")
    assert any("export (data.yaml)" in note for note in done.account["notes"])


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("labels.json", b"", "the file is empty"),
        ("labels.json", b'{"info": {"a": 1}, "images"', "cut short: .* byte 27 of 27"),
        ("labels.json", b'{"shapes": [], "version": 3}', "JSON with the keys shapes, version"),
        ("labels.json", b"[1, 2]", "JSON, a list of 2"),
        ("labels.xml", b"<?xml version='1.0'?>\n<dataset><x/></dataset>", "root is <dataset>"),
        ("labels.txt", "물고기\n".encode("cp949"), "text that begins '물고기'"),
        ("labels.csv", b"\xff\xff\xff\xff", "no text in any known encoding"),
        ("photo.jpg", b"\xff\xd8\xff", "a picture; pass the folder"),
    ],
)
def test_what_is_seen_in_a_source_of_no_format(tmp_path, name, data, words):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(data)
    sources = [tmp_path / "in" / name] + ([] if name == "photo.jpg" else [tmp_path / "in"])
    for source in sources:
        with pytest.raises(FishDataError, match=words):
            recognise(source)


@pytest.mark.parametrize("text", ["", '{"images": [{"id": 1, "fi'])
def test_a_damaged_split_is_not_left_out_in_silence(coco_set, tmp_path, text):
    (coco_set / "val.json").write_text(text)
    with pytest.raises(FishDataError, match=r"val\.json: (the file is empty|cut short)"):
        convert(coco_set, tmp_path / "out")
    (coco_set / "val.json").unlink()
    (coco_set / "notes.json").write_text('{"x": 1}')
    done = convert(coco_set, tmp_path / "out")
    assert any("notes.json is not read: JSON with the keys x" in n for n in done.account["notes"])


@pytest.mark.parametrize("encoding", ["cp949", "utf-8-sig", "utf-16"])
def test_korean_coco_in_other_encodings(document, draw, tmp_path, encoding):
    document["categories"][0]["name"] = "고등어"
    document["images"][0]["file_name"] = "가.png"
    draw(tmp_path / "set/images", ["b.png", "c.png"])
    draw(tmp_path, ["x.png"])
    (tmp_path / "x.png").rename(tmp_path / "set/images/가.png")
    text = json.dumps(document, ensure_ascii=False)
    (tmp_path / "set/train.json").write_text(text, encoding=encoding)
    done = convert(tmp_path / "set", tmp_path / "out")
    part = read_folder(tmp_path / "out")["train"].annotations
    assert part.classes == ("고등어", "salmon") and part.file_names[0] == "가.png"
    assert not done.lost
    said = "byte order mark" if encoding == "utf-8-sig" else encoding.upper()
    assert any(said in note and "train.json" in note for note in done.account["notes"])


def test_korean_class_names_of_yolo_voc_and_csv(draw, tmp_path):
    yolo = yolo_set(tmp_path / "yolo", draw, "[고등어]", "cp949")
    voc, table = draw(tmp_path / "voc", ["a.png"]), draw(tmp_path / "csv", ["a.png"])
    box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
    (voc / "a.xml").write_text(
        f"<annotation><object><name>고등어</name>{box}</object></annotation>", encoding="cp949"
    )
    (table / "labels.csv").write_text(
        "filename,class,xmin,ymin,xmax,ymax\na.png,고등어,1,2,9,9\n", encoding="cp949"
    )
    for source in (yolo, voc, table):
        done = convert(source, tmp_path / f"{source.name}-out")
        assert list(done.account["classes"]) == ["고등어"] and not done.lost
        assert any("CP949" in note for note in done.account["notes"]), source


def test_wrong_keys_of_columns_are_named():
    with pytest.raises(FishDataError, match="'x_min' is no .*; did you mean xmin.*ymax"):
        options_from_text(columns="x_min=left")


def test_a_name_with_images_in_front_among_plain_ones_is_found(document, write, draw, tmp_path):
    document["images"][1]["file_name"] = "images/b.png"
    draw(tmp_path / "set/images", ["a.png", "b.png", "c.png"])
    draw(tmp_path / "flat", ["a.png", "b.png", "c.png"])
    for folder, image_dir in (("set", None), ("set/annotations", None), ("plain", "flat")):
        name = "instances_train.json" if folder.endswith("annotations") else "train.json"
        path = write(document, f"{folder}/{name}")
        options = options_from_text(tmp_path / image_dir if image_dir else None)
        out = tmp_path / f"out-{Path(folder).name}"
        done = convert(path, out, options=options)
        assert done.account["images"] == {"in": 3, "out": 3} and not done.lost
        assert read_folder(out)["train"].annotations.file_names == ["a.png", "b.png", "c.png"]


def test_a_size_that_the_picture_has_not_is_told(document, write, draw, tmp_path):
    document["images"][2]["width"] = 640
    write(document, "set/train.json")
    draw(tmp_path / "set/images", ["a.png", "b.png", "c.png"])
    done = convert(tmp_path / "set", tmp_path / "out")
    (note,) = [note for note in done.account["notes"] if "another size" in note]
    assert note.startswith("1 × ") and "c.png is 64×48, recorded as 640×48" in note
