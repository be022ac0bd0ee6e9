"""The way from any source to a folder that training reads, and the command."""

from __future__ import annotations

import csv
import importlib.util
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from fish_dataset import FishDataError
from fish_dataset.conversion import TARGETS, convert
from fish_dataset.folder import read_folder
from fish_dataset.formats import FORMATS, Builder, Options, named, recognise
from fish_dataset.formats.losses import Losses, write_losses
from fish_dataset.formats.pictures import clean_name, split_of
from fish_dataset.formats.source import options_from_text
from fish_dataset.formats.text import encoding_of, first_text, read_text

TOOL = Path(__file__).resolve().parents[3] / "tools" / "dataset" / "convert.py"


@pytest.fixture
def yolo(tmp_path, draw) -> Path:
    """A YOLO folder: three boxes in two pictures, one line that cannot be read."""
    root = tmp_path / "yolo"
    draw(root / "images" / "train", ["a.png", "b.png"])
    labels = root / "labels" / "train"
    labels.mkdir(parents=True)
    (labels / "a.txt").write_text("0 0.5 0.5 0.25 0.5\n1 0.25 0.25 0.5 0.25\n1 0.5\n")
    (root / "data.yaml").write_text("train: images/train\nnames: [eel, salmon]\n")
    return root


def snapshot(root: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_a_folder_that_training_reads(yolo, tmp_path):
    before = snapshot(yolo)
    done = convert(yolo, tmp_path / "out")
    assert snapshot(yolo) == before
    part = read_folder(tmp_path / "out")["train"]
    assert part.annotations.classes == ("eel", "salmon")
    assert part.annotations.bboxes.tolist() == [[24, 12, 16, 24], [0, 6, 32, 12]]
    report = json.loads((tmp_path / "out" / "conversion.json").read_text(encoding="utf-8"))
    assert report == json.loads(json.dumps(done.account))
    assert report["boxes"] == {"in": 3, "out": 2}
    assert report["images"] == {"in": 2, "out": 2}
    assert report["classes"]["salmon"] == {"in": 1, "out": 1}
    assert report["classes"][""] == {"in": 1, "out": 0}
    (loss,) = report["losses"].values()
    assert (loss["boxes"], loss["places"]) == (1, 1)
    assert loss["examples"][0].endswith("a.txt, line 3: 1 0.5")


@pytest.mark.parametrize("target", TARGETS)
def test_out_and_in_again(yolo, tmp_path, target):
    convert(yolo, tmp_path / "once", target=target)
    found, _ = recognise(tmp_path / "once")
    assert found.name == target
    convert(tmp_path / "once", tmp_path / "twice")
    table = read_folder(tmp_path / "twice")["train"].annotations
    assert table.file_names == ["a.png", "b.png"]
    assert table.classes == ("eel", "salmon")
    assert table.bboxes.tolist() == [[24, 12, 16, 24], [0, 6, 32, 12]]


def test_nothing_is_written_on_a_dry_run(yolo, tmp_path):
    before = snapshot(tmp_path)
    done = convert(yolo, tmp_path / "out", dry_run=True)
    assert done.account["boxes"] == {"in": 3, "out": 2}
    assert snapshot(tmp_path) == before
    assert not (tmp_path / "out").exists()


def test_crowd_boxes_that_yolo_cannot_mark_are_in_the_account(document, write, draw, tmp_path):
    document["annotations"][0]["iscrowd"] = 1
    write(document, "set/train.json")
    draw(tmp_path / "set/images", ["a.png", "b.png", "c.png"])
    done = convert(tmp_path / "set", tmp_path / "out", target="yolo")
    assert done.account["boxes"] == {"in": 3, "out": 2}
    assert done.account["classes"]["eel"] == {"in": 1, "out": 0}
    assert sum(loss["boxes"] for loss in done.account["losses"].values()) == 1


def test_image_keys_that_a_format_has_no_place_for_are_named(document, write, draw, tmp_path):
    document["images"][0] |= {"video": "dive 1", "site": "reef"}
    write(document, "set/train.json")
    draw(tmp_path / "set/images", ["a.png", "b.png", "c.png"])
    for target in ("yolo", "voc", "csv"):
        done = convert(tmp_path / "set", tmp_path / target, target=target, dry_run=True)
        assert any("site, video" in note for note in done.account["notes"])
    done = convert(tmp_path / "set", tmp_path / "coco")
    assert not done.account["notes"]
    assert read_folder(tmp_path / "coco")["train"].annotations.image_meta["video"][0] == "dive 1"


def test_folders_that_cannot_be_used(yolo, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    (tmp_path / "set.zip").write_text("")
    for source, out, words in (
        (tmp_path / "none", tmp_path / "out", "no such file"),
        (tmp_path / "set.zip", tmp_path / "out", "unpack it"),
        (yolo, tmp_path / "full", "holds files already"),
        (yolo, yolo / "out", "inside the source"),
        (tmp_path / "full", tmp_path / "out", "none of the known formats"),
    ):
        with pytest.raises(FishDataError, match=words):
            convert(source, out)
    with pytest.raises(FishDataError, match="--format x.*coco.*yolo"):
        convert(yolo, tmp_path / "out", format_name="x")
    assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_source_of_two_formats_asks_which(yolo):
    (yolo / "labels" / "train" / "a.xml").write_text("<annotation></annotation>")
    with pytest.raises(FishDataError, match="--format yolo") as caught:
        recognise(yolo)
    assert "--format voc" in str(caught.value)


def test_formats_are_found_by_name():
    assert set(FORMATS) >= {"coco", "yolo", "voc"}
    assert all(name == entry.name and entry.title for name, entry in FORMATS.items())
    assert named("voc") is FORMATS["voc"]


def run(monkeypatch, *arguments: object) -> int:
    spec = importlib.util.spec_from_file_location("convert_tool", TOOL)
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.setattr(sys, "argv", ["convert.py", *map(str, arguments)])
    return tool.exit_status(tool.main)


def test_the_command(yolo, tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, yolo, tmp_path / "dry", "--dry-run") == 1
    said = capsys.readouterr().out
    assert "Nothing was written" in said
    assert "line of a wrong" in " ".join(said.replace("│", "").split())
    assert run(monkeypatch, yolo, tmp_path / "out", "--to", "voc", "--images", "symlink") == 1
    assert "salmon" in capsys.readouterr().out
    assert (tmp_path / "out/JPEGImages/a.png").is_symlink()
    assert run(monkeypatch, yolo, tmp_path / "out") == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert run(monkeypatch, yolo, tmp_path / "allowed", "--allow-losses") == 0
    (yolo / "labels/train/a.txt").write_text("0 0.5 0.5 0.25 0.5\n")
    assert run(monkeypatch, yolo, tmp_path / "sound") == 0
    assert not (tmp_path / "sound/losses.csv").exists()


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "losses.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_loss_has_a_row_with_its_file_and_line(yolo, tmp_path):
    """More than the 20 examples that the report shows, and all boxes of a picture that is gone."""
    lines = "0 0.5 0.5 0.25 0.5\n" + "0 0.5\n" * 50 + "1 1.4 0.5 0.1 0.1\n"
    (yolo / "labels/train/a.txt").write_text(lines)
    (yolo / "images/train/b.png").write_bytes(b"no picture")
    (yolo / "labels/train/b.txt").write_text("0 0.5 0.5 0.25 0.5\n" * 2)
    done = convert(yolo, tmp_path / "out")
    rows = rows_of(tmp_path / "out")
    assert sum(int(row["boxes"]) for row in rows) == 53
    assert done.account["boxes"] == {"in": 54, "out": 1}
    places = {(row["file"], row["place"]) for row in rows}
    assert places == {
        *((f"{Path('labels/train/a.txt')}", f"line {n}") for n in range(2, 53)),
        *((f"{Path('labels/train/b.txt')}", f"line {n}") for n in (1, 2)),
    }
    by_reason = {reason: loss["boxes"] for reason, loss in done.account["losses"].items()}
    assert by_reason["line of a wrong number of values"] == 50
    assert len(done.account["losses"]["line of a wrong number of values"]["examples"]) == 20
    assert {row["picture"] for row in rows if row["reason"] == "box outside its picture"} == {
        "images/train/a.png"
    }


def test_losses_in_coco_name_the_file_and_the_annotation(document, write, draw, tmp_path):
    document["images"].append({"id": 4, "file_name": "gone.png", "width": 64, "height": 48})
    sound = document["annotations"][0]
    document["annotations"] += [
        sound | {"id": 4, "image_id": 4},
        sound | {"id": 5, "bbox": [9, 9, 0, 5]},
        sound | {"id": 6, "image_id": 99},
    ]
    write(document, "set/val.json")
    draw(tmp_path / "set/images", ["a.png", "b.png", "c.png"])
    convert(tmp_path / "set", tmp_path / "out")
    found = {(row["file"], row["place"], row["picture"]) for row in rows_of(tmp_path / "out")}
    assert found == {
        ("val.json", "annotation 4", "gone.png"),
        ("val.json", "annotation 5", "images/a.png"),
        ("val.json", "annotation 6", ""),
    }


def test_a_large_table_of_losses_leaves_the_memory(tmp_path):
    losses = Losses()
    for number in range(20_000):
        losses.add("a reason", f"a.txt, line {number}", "0 0.5 고등어", 1, name="eel")
    assert losses["a reason"].count == 20_000
    assert losses._rows._rolled
    write_losses(tmp_path / "losses.csv", [losses])
    rows = rows_of(tmp_path)
    assert len(rows) == 20_000 and rows[-1]["place"] == "line 19999"


def test_pictures_of_ignored_boxes_do_not_become_negatives_in_yolo(document, write, draw, tmp_path):
    document["annotations"][1]["ignore"] = 1  # the only box of b.png; c.png has none at all
    write(document, "set/train.json")
    draw(tmp_path / "set/images", ["a.png", "b.png", "c.png"])
    done = convert(tmp_path / "set", tmp_path / "out", target="yolo")
    labels = {path.name: path.read_text() for path in (tmp_path / "out/labels").rglob("*.txt")}
    assert sorted(labels) == ["a.txt", "c.txt"] and not labels["c.txt"]
    assert not (tmp_path / "out/images/train/b.png").exists()
    assert done.account["images"] == {"in": 3, "out": 2}
    assert done.account["boxes"] == {"in": 3, "out": 2}
    assert done.account["splits"]["train"] == {"images": 2, "boxes": 2}
    assert any(
        "left out" in row["reason"] and row["boxes"] == "0" for row in rows_of(tmp_path / "out")
    )
    for target in ("voc", "csv"):  # which can mark it
        assert not convert(tmp_path / "set", tmp_path / target, target=target).lost
        back = convert(tmp_path / target, tmp_path / f"{target}-back")
        part = read_folder(tmp_path / f"{target}-back")["train"].annotations
        assert (back.lost, part.num_images, part.ignore.sum()) == (False, 3, 1)


@pytest.mark.parametrize(
    "flag", [("--box-size", "960"), ("--columns", "xmin"), ("--image-dir", "nowhere")]
)
def test_flags_that_make_no_sense(yolo, tmp_path, monkeypatch, capsys, flag):
    assert run(monkeypatch, yolo, tmp_path / "out", *flag) == 2
    assert flag[0] in capsys.readouterr().err


def test_a_builder_accounts_for_what_it_is_given(tmp_path, draw):
    draw(tmp_path, ["a.png"])
    builder = Builder(["eel"])
    row = builder.image("", "a.png")
    assert builder.image("", "a.png") == row
    builder.box(row, 1, 2, 3, 4, " salmon ", at=5)
    builder.box(row, 1, 2, float("inf"), 4, "eel", at=6)
    builder.box(row, 1, 2, 10**400, 4, "eel", at=7)
    builder.box(row, 1, 2, 3, 4, "\ud800")
    builder.box(builder.image("val", "gone.png", 9, 9), 1, 2, 3, 4, "eel")
    builder.lose("no reason", "line 9", "x", boxes=2)
    converted = builder.build(tmp_path)
    assert converted.boxes_in == 7
    assert converted.boxes_out == 1
    assert sum(loss.count for loss in converted.losses.values()) == 6
    assert converted.parts["train"].annotations.classes == ("eel", "salmon")
    assert list(converted.parts) == ["train"]


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("연어".encode(), "utf-8"),
        ("연어".encode("utf-8-sig"), "utf-8-sig"),
        ("연어".encode("utf-16"), "utf-16"),
        ("연어".encode("cp949"), "cp949"),
    ],
)
def test_encodings_of_text(tmp_path, data, encoding):
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    assert encoding_of(path) == encoding
    assert read_text(path) == first_text(path) == "연어"


def test_text_that_is_none(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xff\xff\xff")
    with pytest.raises(FishDataError, match="utf-8, cp949"):
        read_text(path)
    with pytest.raises(FishDataError, match="no such file"):
        read_text(tmp_path / "b.txt")
    with pytest.raises(FishDataError, match="is a folder"):
        read_text(tmp_path)
    assert first_text(tmp_path / "b.txt") == ""


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("images\\3/abc.jpg", ("images/3/abc.jpg", True)),
        ("./a/./b.jpg", ("a/b.jpg", True)),
        ("../../x/b.jpg", ("x/b.jpg", False)),
        ("/home/me/b.jpg", ("home/me/b.jpg", False)),
        ("C:\\me\\b.jpg", ("me/b.jpg", False)),
        ("..", ("", False)),
    ],
)
def test_names_of_pictures(name, clean):
    assert clean_name(name) == clean


def test_names_of_splits():
    assert [split_of(n) for n in ("train", "VALID", "val2017", "instances_test", "training")] == [
        *("train", "val", "val", "test", "train")
    ]
    assert split_of("trainer") == split_of("default") == split_of("") == ""


def test_options_as_text(tmp_path):
    options = options_from_text(tmp_path, "xmin=x1, class=species", "eel, 고등어", "960x540")
    assert options == Options(
        tmp_path, {"xmin": "x1", "class": "species"}, ("eel", "고등어"), (960, 540)
    )
    assert options_from_text() == Options()


def test_columns_make_a_table_of_it(tmp_path: Path) -> None:
    """Names that nobody knows are told with --columns; --format csv goes without saying then."""
    source = tmp_path / "in"
    source.mkdir()
    cv2.imwrite(str(source / "a.png"), np.zeros((50, 60, 3), np.uint8))
    (source / "표.csv").write_text(
        "파일,어종,x1,y1,x2,y2\na.png,고등어,1,2,30,40\n", encoding="cp949"
    )
    options = Options(columns={"image": "파일", "class": "어종"})
    done = convert(source, tmp_path / "out", options=options)
    assert done.format.name == "csv" and done.account["boxes"]["out"] == 1
