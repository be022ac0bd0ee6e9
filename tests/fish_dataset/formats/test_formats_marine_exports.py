"""CVAT for images, SageMaker's manifests (OzFish), FishCLEF's XML, OpenCV's lists (NOAA)."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from fish_dataset import FishDataError
from fish_dataset.conversion import convert
from fish_dataset.folder import read_folder
from fish_dataset.formats import recognise
from fish_dataset.formats.opencv_list import parse_line

CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><task><labels>
<label><name>salmon</name></label><label><name>고등어</name></label></labels></task></meta>
<image id="0" name="a.png" width="64" height="48">
  <box label="고등어" xtl="4.00" ytl="5.50" xbr="24.00" ybr="15.50" occluded="0" z_order="4"></box>
  <polygon label="salmon" points="10.0,20.0;30.0,22.0;20.0,40.0" occluded="0"></polygon>
  <polyline label="salmon" points="1.0,1.0;2.0,2.0"></polyline>
  <box label="salmon" xtl="20" ytl="20" xbr="40" ybr="30" rotation="90"></box>
  <box label="salmon" xtl="x" ytl="20" xbr="40" ybr="30"></box>
</image>
<image id="1" name="b.png" width="64" height="48"><tag label="salmon"></tag></image>
<image id="2" name="c.png" width="64" height="48">
  <points label="salmon" points="1.0,1.0"></points></image>
</annotations>
"""


def cvat_folder(root: Path, draw, text: str = CVAT) -> Path:
    draw(root / "images", ["a.png", "b.png", "c.png"])
    (root / "annotations.xml").write_text(text, encoding="utf-8")
    return root


def test_cvat_for_images(tmp_path, draw):
    root = cvat_folder(tmp_path / "task", draw)
    assert recognise(root)[0].name == recognise(root / "annotations.xml")[0].name == "cvat"
    done = convert(root, tmp_path / "out")
    table = read_folder(tmp_path / "out")["train"].annotations
    assert table.classes == ("salmon", "고등어")
    assert table.bboxes.tolist() == [[4, 5.5, 20, 10], [10, 20, 20, 20], [25, 15, 10, 20]]
    # c.png held fish that cannot be kept, b.png none.
    assert table.file_names == ["a.png", "b.png"]
    assert done.account["boxes"] == {"in": 6, "out": 3}
    losses = (tmp_path / "out/losses.csv").read_text(encoding="utf-8")
    assert '"annotations.xml, image 1",object 3,a.png' in losses


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (CVAT[CVAT.index("<image") :], '<track id="0"><box/></track></annotations>', "tracks of a"),
        ("<annotations>", "<!DOCTYPE x><annotations>", "document type"),
        ("</annotations>", "", "no valid XML"),
    ],
)
def test_cvat_files_that_are_refused(tmp_path, draw, old, new, words):
    root = cvat_folder(tmp_path / "task", draw, CVAT.replace(old, new))
    with pytest.raises(FishDataError, match=rf"annotations\.xml: .*{words}"):
        convert(root, tmp_path / "out")


def manifest_line(name: str, boxes: list) -> str:
    labels = {"annotations": boxes, "image_size": [{"width": 64, "depth": 3, "height": 48}]}
    meta = {"class-map": {"0": "fish"}, "type": "groundtruth/object-detection"}
    return json.dumps({"source-ref": name, "20191014": labels, "20191014-metadata": meta}) + "\n"


def test_manifests_as_ozfish_has_them(tmp_path, draw):
    draw(tmp_path / "set/frames", ["E1.MP4.31.png", "b.png", "c.png"])
    box = {"class_id": 0, "width": 20, "top": 6.5, "height": 8, "left": 8.5}
    lines = [
        manifest_line("E1.MP4.31.png", [box, box | {"left": 30}]),
        manifest_line("s3://bucket/x/b.png", [{"class_id": 0, "left": 1}]),
        manifest_line("c.png", []),
        '{"source-ref": "c.png", "2019',
    ]
    (tmp_path / "set/output.manifest").write_text("".join(lines))
    assert recognise(tmp_path / "set")[0].name == "ground-truth"
    done = convert(tmp_path / "set", tmp_path / "out")
    table = read_folder(tmp_path / "out")["train"].annotations
    assert table.classes == ("fish",)
    assert table.bboxes.tolist() == [[8.5, 6.5, 20, 8], [30, 6.5, 20, 8]]
    assert table.file_names == ["E1.MP4.31.png", "c.png"]
    assert done.account["boxes"] == {"in": 3, "out": 2}
    rows = (tmp_path / "out/losses.csv").read_text().splitlines()
    assert any("output.manifest,line 4" in row for row in rows)


def test_fishclef_over_a_video(tmp_path):
    clip = tmp_path / "set/training_set/videos/v1.avi"
    clip.parent.mkdir(parents=True)
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter_fourcc(*"MJPG"), 5, (64, 48))
    for grey in (20, 120, 220):
        writer.write(np.full((48, 64, 3), grey, np.uint8))
    writer.release()
    xml = tmp_path / "set/training_set/gt/v1.xml"
    xml.parent.mkdir()
    xml.write_text(
        '<video id="v1"><frame id="1"><object fish_species="Dascyllus" x="4" y="5" w="20" h="10"/>'
        '<object species_name="Chromis" x="30" y="5" w="9" h="8"/></frame>'
        '<frame id="9"><object fish_species="Chromis" x="1" y="1" w="9" h="8"/></frame></video>'
    )
    done = convert(tmp_path / "set", tmp_path / "out")
    assert done.format.name == "fishclef"
    part = read_folder(tmp_path / "out")["train"]
    assert part.annotations.bboxes.tolist() == [[4, 5, 20, 10], [30, 5, 9, 8]]
    assert part.annotations.classes == ("Chromis", "Dascyllus")
    assert part.annotations.image_meta["frame"][0] == "1"
    picture = cv2.imread(str(part.image_dir / part.annotations.file_names[0]))
    assert abs(float(picture.mean()) - 120) < 4  # the second frame: they count from 0
    assert done.account["boxes"] == {"in": 3, "out": 2}


def test_opencvs_list(tmp_path, draw):
    draw(tmp_path / "set", ["fish (1).png", "b.png"])
    (tmp_path / "set/marks.dat").write_text("fish (1).png 2 4 5 20 10 30 8 12 30\nb.png 1 2 3\n")
    done = convert(tmp_path / "set", tmp_path / "out")
    assert done.format.name == "opencv" and done.account["boxes"] == {"in": 3, "out": 2}
    table = read_folder(tmp_path / "out")["train"].annotations
    assert table.bboxes.tolist() == [[4, 5, 20, 10], [30, 8, 12, 30]] and table.classes == ("fish",)


def test_an_opencv_list_of_corners_is_refused(tmp_path, draw):
    draw(tmp_path / "set", ["a.png"])
    (tmp_path / "set/marks.dat").write_text("a.png 1 40 30 60 45\n" * 12)
    with pytest.raises(FishDataError, match="look like"):
        convert(tmp_path / "set", tmp_path / "out")


def test_lines_of_opencvs_list():
    assert parse_line("img/img2.jpg 2 100 200 50 50 50 30 25 25") == (
        "img/img2.jpg",
        [(100, 200, 50, 50), (50, 30, 25, 25)],
    )
    assert parse_line("a.jpg 0") == ("a.jpg", [])
    assert parse_line("a.jpg 1 2 3 4") is None
    assert parse_line("a.jpg 1 2 3 4 x") is None
