"""Tables of boxes, in the forms that the documentation named in ``csv_table`` gives."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fish_dataset import formats
from fish_dataset.coco import read_coco
from fish_dataset.errors import FishDataError
from fish_dataset.formats import csv_table
from fish_dataset.formats.columns import find_columns
from fish_dataset.formats.source import Converted, Options
from fish_dataset.formats.table_boxes import as_sides, look_fractional, scale_between

Draw = Callable[..., Path]

RETINANET = """\
/data/imgs/img_001.jpg,837,346,981,456,cow
/data/imgs/img_002.jpg,215,312,279,391,cat
/data/imgs/img_002.jpg,22,5,89,84,bird
/data/imgs/img_003.jpg,,,,,
"""
FISHNET_AI = """\
img_id,label_l1,x_min,x_max,y_min,y_max,label_l2
00a1,Albacore,100,300,50,120,ALB
00a1,Human,400,640,10,480,HUMAN
00b2,Opah,5,25,7,57,OPAH
"""
TENSORFLOW = """\
filename,width,height,class,xmin,ymin,xmax,ymax
img_001.jpg,1000,500,eel,10,20,110,70
img_002.jpg,1000,500,cod,0,0,1000,500
"""


def read(folder: Path, text: str | bytes, name: str = "labels.csv", **options) -> Converted:
    data = text if isinstance(text, bytes) else text.encode()
    (folder / name).write_bytes(data)
    return csv_table.read(folder, Options(**options))


def boxes(converted: Converted, split: str = "train") -> list[tuple]:
    """(picture, class, x, y, w, h) of every box."""
    part = converted.parts[split].annotations
    return [
        (part.file_names[row], part.classes[label], *box)
        for row, label, box in zip(part.box_image, part.labels, part.bboxes.tolist(), strict=True)
    ]


@pytest.fixture
def folder(tmp_path: Path, draw: Draw) -> Path:
    names = ["img_001.jpg", "img_002.jpg", "img_003.jpg", "00a1.jpg", "00b2.jpg"]
    draw(tmp_path / "images", names, size=(1000, 500))
    return tmp_path


def test_retinanet_without_header(folder: Path) -> None:
    converted = read(folder, RETINANET)
    assert boxes(converted) == [
        ("img_001.jpg", "cow", 837, 346, 144, 110),
        ("img_002.jpg", "cat", 215, 312, 64, 79),
        ("img_002.jpg", "bird", 22, 5, 67, 79),
    ]
    assert list(converted.parts["train"].annotations.file_names)[2] == "img_003.jpg"
    assert "1 × picture listed without boxes" in converted.notes
    assert (converted.boxes_in, converted.losses) == (3, {})


def test_fishnet_ai_has_xmax_before_ymin(folder: Path) -> None:
    converted = read(folder, FISHNET_AI)
    assert boxes(converted) == [
        ("00a1.jpg", "Albacore", 100, 50, 200, 70),
        ("00a1.jpg", "Human", 400, 10, 240, 470),
        ("00b2.jpg", "Opah", 5, 7, 20, 50),
    ]
    rows = list(csv.DictReader(io.StringIO(FISHNET_AI)))
    assert converted.names_out == dict(Counter(row["label_l1"] for row in rows))


def test_tensorflow_width_is_the_pictures(folder: Path) -> None:
    converted = read(folder, TENSORFLOW)
    assert boxes(converted) == [
        ("img_001.jpg", "eel", 10, 20, 100, 50),
        ("img_002.jpg", "cod", 0, 0, 1000, 500),
    ]


def test_boxes_follow_a_resized_picture_and_not_a_cut_one(folder: Path) -> None:
    text = TENSORFLOW.replace("img_001.jpg,1000,500", "img_001.jpg,2000,1000")
    text = text.replace("img_002.jpg,1000,500", "img_002.jpg,640,640")
    converted = read(folder, text)
    assert boxes(converted) == [("img_001.jpg", "eel", 5, 10, 50, 25)]
    assert converted.losses["picture of another shape than its record says"].examples == [
        "labels.csv, line 3: 640×640 in the table"
    ]


def test_roboflow_folders_name_the_splits(folder: Path) -> None:
    for split, line in (("train", "img_001.jpg"), ("valid", "img_002.jpg"), ("test", "00a1.jpg")):
        (folder / split).mkdir()
        text = f"filename,width,height,class,xmin,ymin,xmax,ymax\n{line},1000,500,eel,1,2,3,4\n"
        (folder / split / "_annotations.csv").write_text(text)
        (folder / split / "_classes.csv").write_text("eel,0\n")
    converted = csv_table.read(folder, Options())
    assert {split: boxes(converted, split)[0][0] for split in converted.parts} == {
        "train": "img_001.jpg",
        "val": "img_002.jpg",
        "test": "00a1.jpg",
    }
    assert any(note.startswith("not read") and "_classes.csv" in note for note in converted.notes)


def test_fractions_of_the_picture(folder: Path) -> None:
    text = "ImageID,LabelName,XMin,XMax,YMin,YMax\nimg_001,/m/1,0.1,0.5,0.2,0.4\n"
    converted = read(folder, text)
    assert boxes(converted) == [("img_001.jpg", "/m/1", 100, 100, 400, 100)]
    assert any("fractions of the picture" in note for note in converted.notes)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("image;label;x;y;w;h", "img_001.jpg;eel;10;20;30;40"),
        ("image\tlabel\tx\ty\tw\th", "img_001.jpg\teel\t10\t20\t30\t40"),
        ("concept,image,x,y,width,height", "eel,img_001.jpg,10,20,30,40"),
        ("image|species|left|top|width|height", "img_001.jpg|eel|10|20|30|40"),
        ("file,class,xc,yc,w,h,width,height", "img_001.jpg,eel,25,40,30,40,1000,500"),
        ("image,name,x0,y0,x1,y1", "img_001.jpg,eel,10,20,40,60"),
        ('"file name";"class";"X Min";"Y-Min";"X Max";"Y-Max"', "img_001.jpg;eel;10,0;20;40,0;60"),
        ("sep=;\nimage;label;x;y;w;h", "img_001.jpg;eel;10;20;30;40"),
        (r"path,class,x1,y1,x2,y2", r"C:\fish\images\img_001.jpg,eel,10,20,40,60"),
    ],
)
def test_one_box_in_many_dresses(folder: Path, header: str, row: str) -> None:
    assert boxes(read(folder, f"{header}\n{row}\n")) == [("img_001.jpg", "eel", 10, 20, 30, 40)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
def test_encodings(folder: Path, encoding: str) -> None:
    text = "filename,class,xmin,ymin,xmax,ymax\nimg_001.jpg,고등어,1,2,3,4\n"
    assert read(folder, text.encode(encoding)).names_out == {"고등어": 1}


def test_columns_by_flag(folder: Path) -> None:
    text = "a,b,c,d,e,f\nimg_001.jpg,10,40,20,60,eel\n"
    with pytest.raises(FishDataError, match="no table of boxes"):
        read(folder, text)
    chosen = {"image": "a", "xmin": "b", "xmax": "c", "ymin": "d", "ymax": "e", "class": "f"}
    assert boxes(read(folder, text, columns=chosen)) == [("img_001.jpg", "eel", 10, 20, 30, 40)]
    numbers = {"image": "1", "xmin": "2", "xmax": "3", "ymin": "4", "ymax": "5", "class": "6"}
    bare = text.split("\n", 1)[1]
    assert boxes(read(folder, bare, columns=numbers)) == [("img_001.jpg", "eel", 10, 20, 30, 40)]


def test_columns_by_flag_that_are_not_there(folder: Path) -> None:
    with pytest.raises(FishDataError, match="class=colour.*it has: filename, width"):
        read(folder, TENSORFLOW, columns={"class": "colour"})
    with pytest.raises(FishDataError, match="'klass' is no column of ours; did you mean class"):
        read(folder, TENSORFLOW, columns={"klass": "class"})


def test_columns_in_another_order_are_noticed(folder: Path) -> None:
    lines = [f"img_00{i}.jpg,{100 * i},{100 * i + 50},10,60,eel\n" for i in (1, 2, 3)]
    with pytest.raises(FishDataError, match="xmax < xmin .*--columns"):
        read(folder, "".join(lines))


def test_class_numbers_are_named_by_flag(folder: Path) -> None:
    text = TENSORFLOW.replace("eel", "1").replace("cod", "0")
    converted = read(folder, text, class_names=("cod", "eel"))
    assert converted.parts["train"].annotations.classes == ("cod", "eel")
    assert converted.names_out == {"cod": 1, "eel": 1}
    with pytest.raises(FishDataError, match="class number 1 has no name"):
        read(folder, text, class_names=("cod",))


def test_a_table_without_classes(folder: Path) -> None:
    text = "filename,xmin,ymin,xmax,ymax\nimg_001.jpg,1,2,3,4\nimg_002.jpg,,,,\n"
    with pytest.raises(FishDataError, match="no column of classes"):
        read(folder, text)
    converted = read(folder, text, class_names=("fish",))
    assert (converted.names_out, converted.images_out) == ({"fish": 1}, 2)


def test_box_size_scales(folder: Path) -> None:
    text = "filename,class,xmin,ymin,xmax,ymax\nimg_001.jpg,eel,10,20,60,120\n"
    converted = read(folder, text, box_size=(500, 250))
    assert boxes(converted) == [("img_001.jpg", "eel", 20, 40, 100, 200)]


def test_every_bad_row_is_listed_with_its_line(folder: Path) -> None:
    good = "img_001.jpg,eel,1,2,30,40\n" * 8
    bad = [
        "img_001.jpg,eel,1,2,x,4",
        "img_001.jpg,eel,1,2",
        ",eel,1,2,3,4",
        "img_002.jpg,,1,2,3,4",
        "img_002.jpg,eel,5,2,3,4",
        "img_002.jpg,eel,1,2,nan,4",
        "img_002.jpg,eel,5000,2,6000,4",
        "gone.jpg,eel,1,2,3,4",
    ]
    converted = read(folder, "filename,class,xmin,ymin,xmax,ymax\n" + good + "\n".join(bad))
    assert (converted.boxes_in, converted.boxes_out) == (16, 8)
    first = {reason: loss.examples[0] for reason, loss in converted.losses.items()}
    assert first["coordinate that is no number"].startswith("labels.csv, line 10: ")
    assert first["row with too few columns"].startswith("labels.csv, line 11: ")
    assert first["row without a picture's name"].startswith("labels.csv, line 12: ")
    assert first["box without a class"].startswith("labels.csv, line 13: ")
    assert first["box of negative width or height"].startswith("labels.csv, line 14: ")
    assert first["box holds NaN or infinity"].startswith("labels.csv, line 15: ")
    assert first["box outside its picture"].startswith("labels.csv, line 16: ")
    assert first["picture not found (or several of that name)"] == "image: gone.jpg"
    # img_002.jpg had boxes and has none left: it must not pass for a picture without fish.
    gone = "picture whose boxes were all lost (left out: it is no picture without fish)"
    assert first.pop(gone) == "img_002.jpg: no box can be kept"
    assert all(converted.losses[reason].count == 1 for reason in first)


def test_mostly_unreadable_says_what_was_expected(folder: Path) -> None:
    text = "filename,class,xmin,ymin,xmax,ymax\n" + "img_001.jpg,eel,a,b,c,d\n" * 3
    with pytest.raises(FishDataError, match=r"3 of 3 rows .* line 2: .*Expected a line of column"):
        read(folder, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no table of boxes"),
        ("filename,class,xmin,ymin,xmax,ymax\n", "no image found"),
        ('filename,class,xmin,ymin,xmax,ymax\nimg_001.jpg,"eel,1,2,3,4\n', "line 2: .*quote"),
        (b"filename,class,xmin,ymin,xmax,ymax\nimg_001.jpg,\xff\xfe\xff,1,2,3,4\n", "is no text"),
        ("filename,class,xmin,ymin,xmax,ymax\ngone.jpg,eel,1,2,3,4\n", "none of its 1 pictures"),
    ],
)
def test_bad_files(folder: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(FishDataError, match=message):
        read(folder, text)


def test_tables_that_would_be_read_twice(folder: Path) -> None:
    (folder / "all.csv").write_text(TENSORFLOW)
    with pytest.raises(FishDataError, match="all.csv, train.csv: some name a split"):
        read(folder, TENSORFLOW, name="train.csv")


def test_recognise(folder: Path) -> None:
    assert csv_table.recognise(folder) is None
    (folder / "notes.csv").write_text("date,weather\n2020-01-01,fine\n")
    assert csv_table.recognise(folder) is None
    (folder / "labels.csv").write_text(FISHNET_AI)
    assert formats.recognise(folder)[0].name == "csv"
    assert "x_min, x_max" in (csv_table.recognise(folder) or "")
    assert csv_table.recognise(folder / "labels.csv") is not None
    assert csv_table.recognise(folder / "images" / "00a1.jpg") is None


def test_real_boxes_in_three_forms(fishdet_data: Path, tmp_path: Path) -> None:
    root = fishdet_data / "aquarium"
    truth, _ = read_coco(root / "val.json", image_dir=root / "images")
    document = json.loads((root / "val.json").read_text())
    names = {entry["id"]: entry["name"] for entry in document["categories"]}
    images = {entry["id"]: entry for entry in document["images"]}
    forms: dict[str, list[list]] = {"fishnet": [], "retinanet": [], "tensorflow": []}
    for entry in document["annotations"]:
        image = images[entry["image_id"]]
        x, y, w, h = entry["bbox"]
        name, file = names[entry["category_id"]], image["file_name"]
        stem = file.rpartition(".")[0]
        forms["fishnet"].append([stem, name, x, x + w, y, y + h, "XX"])
        forms["retinanet"].append([file, x, y, x + w, y + h, name])
        size = [image["width"], image["height"]]
        forms["tensorflow"].append([file, *size, name, x, y, x + w, y + h])
    headers = {"fishnet": FISHNET_AI, "retinanet": "", "tensorflow": TENSORFLOW}
    for form, rows in forms.items():
        path = tmp_path / form / "labels.csv"
        path.parent.mkdir()
        with path.open("w", newline="") as stream:
            stream.write(headers[form].partition("\n")[0] + "\n" if headers[form] else "")
            csv.writer(stream).writerows(rows)
        converted = csv_table.read(path, Options(image_dir=root / "images"))
        assert (converted.boxes_in, converted.losses) == (truth.num_boxes, {})
        counted = dict(zip(truth.classes, truth.boxes_per_class().tolist(), strict=True))
        assert converted.names_out == {name: n for name, n in counted.items() if n}
        found = {(b[0], b[1], *np.round(b[2:], 1)) for b in boxes(converted)}
        want = {
            (truth.file_names[row], truth.classes[label], *np.round(box, 1))
            for row, label, box in zip(
                truth.box_image, truth.labels, truth.bboxes.tolist(), strict=True
            )
        }
        assert len(found ^ want) <= 0.01 * len(want)  # halves may round either way


CELLS = st.sampled_from(
    ["img_001.jpg", "../img_001.jpg", "", " ", "eel", "1", "-3.5", "1e400", "nan", "0.25", "5", '"']
    + ["1,5", "\0", "ｘ", "filename", "xmin", "x1", "class", "train", "9" * 400, "1_0", "\r", ";"]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(CELLS, max_size=9), max_size=8), st.sampled_from(",;\t"), st.booleans())
def test_only_our_error_comes_out(rows: list[list[str]], delimiter: str, header: bool) -> None:
    lines = [delimiter.join(row) for row in rows]
    if header:
        lines.insert(0, delimiter.join(["filename", "class", "xmin", "ymin", "xmax", "ymax"]))
    _survives("\n".join(lines).encode())


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_only_our_error_comes_out_of_broken_bytes(data: st.DataObject) -> None:
    text = bytearray(data.draw(st.sampled_from([RETINANET, FISHNET_AI, TENSORFLOW])).encode())
    for _ in range(data.draw(st.integers(0, 4))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    _survives(bytes(text[: data.draw(st.integers(0, len(text)))]))


def _survives(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "img_001.jpg").write_bytes(_PICTURE)
        (root / "labels.csv").write_bytes(content)
        csv_table.recognise(root)
        try:
            converted = csv_table.read(root, Options())
        except FishDataError as error:
            assert str(error)
        else:
            lost = sum(loss.count for loss in converted.losses.values())
            assert converted.boxes_in == converted.boxes_out + lost


# The smallest PNG, 1 × 1 pixel.
_PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000100ffff03000006000557bfabd40000000049454e44ae426082"
)


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(*[st.floats(-1e6, 1e6)] * 2, *[st.floats(0, 1e6)] * 2), min_size=1, max_size=20
    )
)
def test_forms_agree(sides: list[tuple[float, float, float, float]]) -> None:
    xywh = np.array(sides)
    corners = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
    centres = np.concatenate([xywh[:, :2] + xywh[:, 2:] / 2, xywh[:, 2:]], axis=1)
    assert np.allclose(as_sides(corners, "corners"), xywh, atol=1e-6)
    assert np.allclose(as_sides(centres, "centre"), xywh, atol=1e-6)
    assert np.array_equal(as_sides(xywh, "sides"), xywh)


def test_fractions_are_told_from_pixels() -> None:
    fractions = np.array([[0.1, 0.2, 0.3, 0.4]] * 20)
    assert look_fractional(fractions)
    assert look_fractional(np.concatenate([fractions, [[300.0, 200, 50, 60]]]))
    assert not look_fractional(np.array([[1.0, 1, 1, 1]]))
    assert not look_fractional(np.array([[0.5, 0.5, 30, 40]] * 20))
    assert not look_fractional(np.zeros((0, 4)))


def test_scale_between() -> None:
    assert scale_between((960, 540), (1920, 1080)) == (2, 2)
    assert scale_between((960, 540), (540, 960)) is None


def test_find_columns_prefers_corners() -> None:
    header = ["x", "y", "width", "height", "xmin", "ymin", "xmax", "ymax", "image", "label"]
    columns = find_columns([header])
    assert columns is not None
    assert (columns.form, columns.box) == ("corners", (4, 5, 6, 7))
    assert (columns.at["image_width"], columns.at["image_height"]) == (2, 3)
