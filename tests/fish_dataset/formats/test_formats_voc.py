"""Pascal VOC as the challenge, LabelImg and Roboflow write it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fish_dataset import FishDataError
from fish_dataset.formats import Options, named, recognise
from fish_dataset.formats.voc_xml import parse_voc

VOC = named("voc")

# The form of http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/ (2026-11-25).
CHALLENGE = """<annotation>
	<folder>VOC2012</folder>
	<filename>a.png</filename>
	<source>
		<database>The VOC2007 Database</database>
		<annotation>PASCAL VOC2007</annotation>
		<image>flickr</image>
	</source>
	<size><width>64</width><height>48</height><depth>3</depth></size>
	<segmented>0</segmented>
	<object>
		<name>eel</name>
		<pose>Left</pose>
		<truncated>0</truncated>
		<difficult>0</difficult>
		<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>64</xmax><ymax>48</ymax></bndbox>
	</object>
	<object>
		<name>salmon</name>
		<difficult>1</difficult>
		<bndbox><ymin>11</ymin><xmax>30</xmax><ymax>20</ymax><xmin>11</xmin></bndbox>
		<part><name>head</name><bndbox><xmin>11</xmin><ymin>11</ymin><xmax>15</xmax><ymax>15</ymax>
		</bndbox></part>
	</object>
</annotation>
"""
# LabelImg: libs/pascal_voc_io.py of github.com/HumanSignal/labelImg (2026-11-25).
LABELIMG = """<?xml version="1.0" ?>
<annotation verified="no">
  <folder>fish</folder>
  <filename>a</filename>
  <path>C:\\Users\\me\\fish\\a.png</path>
  <source><database>Unknown</database></source>
  <size><width>64</width><height>48</height><depth>3</depth></size>
  <segmented>0</segmented>
  <object>
    <name>고등어</name>
    <pose>Unspecified</pose>
    <truncated>0</truncated>
    <difficult>0</difficult>
    <bndbox><xmin>10</xmin><ymin>5</ymin><xmax>30</xmax><ymax>20</ymax></bndbox>
  </object>
</annotation>
"""
EMPTY = "<annotation><filename>{}</filename></annotation>"


def put(root: Path, **files: str | bytes) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_the_challenges_layout(tmp_path, draw):
    draw(tmp_path / "JPEGImages", ["a.png", "b.png", "c.png", "unseen.png"])
    put(
        tmp_path,
        **{
            "Annotations/a.xml": CHALLENGE,
            "Annotations/b.xml": EMPTY.format("b.png"),
            "Annotations/c.xml": EMPTY.format("c.png"),
            "ImageSets/Main/train.txt": "a\n",
            "ImageSets/Main/val.txt": "b\ngone\n",
            "ImageSets/Main/trainval.txt": "a\nb\nc\n",
            "ImageSets/Main/eel_train.txt": "a  1\nb -1\n",
        },
    )
    found, _ = recognise(tmp_path)
    converted = found.read(tmp_path, Options())
    assert found.name == "voc"
    table = converted.parts["train"].annotations
    assert table.file_names == ["a.png", "c.png"]
    assert converted.parts["val"].annotations.file_names == ["b.png"]
    # Pixels 1 … 64 are the whole width; pixels 11 … 30 begin after ten and are twenty.
    assert table.bboxes.tolist() == [[0, 0, 64, 48], [10, 10, 20, 10]]
    assert table.ignore.tolist() == [False, True]
    assert converted.losses["listed in ImageSets, without an XML file"].examples == [
        "ImageSets/Main: gone"
    ]
    assert any(note.startswith("1 × picture without an XML file") for note in converted.notes)


def test_labelimg_beside_the_pictures(tmp_path, draw):
    draw(tmp_path, ["a.png"])
    put(tmp_path, **{"a.xml": LABELIMG})
    converted = recognise(tmp_path)[0].read(tmp_path, Options())
    table = converted.parts["train"].annotations
    assert table.classes == ("고등어",)
    assert table.bboxes.tolist() == [[10, 5, 20, 15]]
    assert any("edges" in note for note in converted.notes)


def test_roboflows_folders_with_equal_names(tmp_path, draw):
    for folder in ("train", "valid"):
        draw(tmp_path / folder, ["a.png"])
        put(tmp_path, **{f"{folder}/a.xml": LABELIMG.replace(">a<", ">a.png<")})
    converted = VOC.read(tmp_path, Options())
    assert list(converted.parts) == ["train", "val"]
    assert converted.boxes_out == 2
    files = [p.image_dir / n for p in converted.parts.values() for n in p.annotations.file_names]
    assert files == [tmp_path / "train" / "a.png", tmp_path / "valid" / "a.png"]


def test_the_filename_counts_where_the_xml_has_another_name(tmp_path, draw):
    draw(tmp_path / "photos", ["a.png"])
    put(tmp_path / "xml", **{"0001.xml": CHALLENGE})
    converted = VOC.read(tmp_path / "xml", Options(image_dir=tmp_path / "photos"))
    assert converted.boxes_out == 2
    with pytest.raises(FishDataError, match="--image-dir"):
        VOC.read(tmp_path / "xml", Options())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949", "euc-kr"])
@pytest.mark.parametrize("declared", [True, False])
def test_encodings(tmp_path, encoding, declared):
    text = LABELIMG
    if declared:
        text = text.replace("?>", f'encoding="{encoding.removesuffix("-sig")}"?>', 1)
    put(tmp_path, **{"a.xml": text.encode(encoding)})
    voc = parse_voc(tmp_path / "a.xml")
    assert not isinstance(voc, str)
    assert voc.boxes[0].name == "고등어"


def bomb() -> str:
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    return f'<!DOCTYPE x [<!ENTITY l0 "lol">{lines}]><annotation>&l11;</annotation>'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (bomb(), "document type"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><annotation/>', "document type"),
        ("", "empty"),
        (CHALLENGE[:300], "no valid XML"),
        ("<annotations/>", "<annotations>"),
        ("<a>" * 50_000, "no valid XML"),
        (b"\xff\xff\xff", "is no text"),
    ],
)
def test_files_that_cannot_be_read_are_losses(tmp_path, draw, text, words):
    draw(tmp_path, ["a.png", "b.png"])
    put(tmp_path, **{"a.xml": LABELIMG, "b.xml": text})
    converted = VOC.read(tmp_path, Options())
    loss = converted.losses["XML file cannot be read"]
    assert words in loss.examples[0]
    assert "b.xml" in loss.examples[0]
    assert converted.boxes_out == 1
    assert converted.images_out == 1  # b is not taken for a picture without fish


def test_a_cut_file_still_counts_its_objects(tmp_path, draw):
    draw(tmp_path, ["a.png", "b.png"])
    put(tmp_path, **{"a.xml": LABELIMG, "b.xml": CHALLENGE[:-40]})
    converted = VOC.read(tmp_path, Options())
    assert (converted.boxes_in, converted.boxes_out) == (3, 1)


def test_objects_that_cannot_be_kept(tmp_path, draw):
    def entry(name: str, *corners: object) -> str:
        tags = ("xmin", "ymin", "xmax", "ymax")
        box = "".join(f"<{t}>{c}</{t}>" for t, c in zip(tags, corners, strict=False))
        return f"<object><name>{name}</name><bndbox>{box}</bndbox></object>"

    objects = [
        entry("eel", 1, 2, 30, 40),
        entry("eel", 1, 2, 30),
        "<object><name>eel</name></object>",
        entry("eel", "x", 2, 30, 40),
        entry("eel", "nan", 2, 30, 40),
        entry("eel", 30, 2, 1, 40),
        entry("eel", 100, 100, 120, 120),
        entry(" ", 1, 2, 30, 40),
        entry("eel", -5, 2, 300, 40),
    ]
    draw(tmp_path, ["a.png"])
    put(tmp_path, **{"a.xml": f"<annotation>{''.join(objects)}</annotation>"})
    converted = VOC.read(tmp_path, Options())
    assert converted.parts["train"].annotations.bboxes.tolist() == [[1, 2, 29, 38], [0, 2, 64, 38]]
    assert {reason: loss.count for reason, loss in converted.losses.items()} == {
        "object without a whole bndbox": 2,
        "bndbox holds something that is no number": 1,
        "box holds NaN or infinity": 1,
        "box of negative width or height": 1,
        "box outside its picture": 1,
        "class without a usable name": 1,
    }
    assert converted.boxes_in == len(objects)


def test_cvats_own_xml_is_not_voc(tmp_path):
    put(tmp_path, **{"annotations.xml": '<?xml version="1.0"?><annotations></annotations>'})
    assert VOC.recognise(tmp_path) is None


@settings(max_examples=80, deadline=None)
@given(
    st.binary(max_size=60)
    | st.tuples(st.integers(0, len(LABELIMG)), st.text(max_size=6)).map(
        lambda cut: (LABELIMG[: cut[0]] + cut[1] + LABELIMG[cut[0] :]).encode(
            "utf-8", "surrogatepass"
        )
    )
)
def test_any_bytes_raise_nothing_but_our_error(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("fuzz")
    cv2.imwrite(str(root / "a.png"), np.zeros((48, 64, 3), np.uint8))
    (root / "a.xml").write_bytes(data)
    try:
        converted = VOC.read(root, Options())
    except FishDataError:
        return
    assert converted.boxes_in == converted.boxes_out + sum(
        loss.count for loss in converted.losses.values()
    )
