"""VIAME CSV in the form of DIVE's own test data and of VIAME's documentation."""

from __future__ import annotations

import csv
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fish_dataset import formats
from fish_dataset.errors import FishDataError
from fish_dataset.formats import viame
from fish_dataset.formats.source import Builder, Options

Draw = Callable[..., Path]

HEADER = (
    "# 1: Detection or Track-id,2: Video or Image Identifier,3: Unique Frame Identifier,"
    "4-7: Img-bbox(TL_x,TL_y,BR_x,BR_y),8: Detection or Length Confidence,"
    "9: Target Length (0 or -1 if invalid),10-11+: Repeated Species,Confidence Pairs or Attributes"
    ',,,,\n# metadata,"fps: 10","exported_by: ""dive:python"""\n'
)
ROWS = """\
1,20171027.214851.png,0,77,32,418,61,0.894123,-1,seriola,0.23,auricilla,0.72,carbunculus,0.1
1,20171027.214852.png,1,82,30,430,60,0.894123,-1,seriola,0.894123,auricilla,0.72,,
2,20171027.214851.png,0,763,54,967,72,0.823687,-1,auricilla,0.823687,,,,
3,20171027.214852.png,1,777.5,55.25,967,72,1.0,12.5,(kp) head 780 60,(kp) tail 960 70,(atr) sex F
"""
PICTURES = ["20171027.214851.png", "20171027.214852.png"]


@pytest.fixture
def folder(tmp_path: Path, draw: Draw) -> Path:
    return draw(tmp_path, PICTURES, size=(1000, 100))


def boxes(converted, split: str = "train") -> list[tuple]:
    part = converted.parts[split].annotations
    return [
        (part.file_names[row], part.classes[label], *box)
        for row, label, box in zip(part.box_image, part.labels, part.bboxes.tolist(), strict=True)
    ]


def video(path: Path, count: int, size: tuple[int, int] = (320, 240)) -> None:
    """A video of which frame n has the grey level 20 n."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, size)
    for number in range(count):
        writer.write(np.full((size[1], size[0], 3), 20 * number, np.uint8))
    writer.release()


def test_pictures(folder: Path) -> None:
    (folder / "result.csv").write_text(HEADER + ROWS)
    converted = viame.read(folder, Options())
    assert boxes(converted) == [
        (PICTURES[0], "auricilla", 77, 32, 341, 29),
        (PICTURES[0], "auricilla", 763, 54, 204, 18),
        (PICTURES[1], "seriola", 82, 30, 348, 30),
        (PICTURES[1], "unknown", 777.5, 55.25, 189.5, 16.75),
    ]
    meta = converted.parts["train"].annotations.image_meta
    assert (list(meta["video"]), list(meta["frame"])) == (["result", "result"], ["0", "1"])
    assert "2 × box has several classes; the one of highest confidence is taken" in converted.notes
    assert "1 × box has no class; it is called 'unknown'" in converted.notes
    assert any("3 of 4 boxes have a confidence under 1" in note for note in converted.notes)


def test_counts_equal_the_csv_modules(folder: Path) -> None:
    lines = HEADER + ROWS * 50
    (folder / "result.csv").write_text(lines)
    rows = [row for row in csv.reader(lines.splitlines()) if not row[0].startswith("#")]
    converted = viame.read(folder / "result.csv", Options())
    assert converted.boxes_in == converted.boxes_out == len(rows) == 200
    assert Counter(name for name, *_ in boxes(converted)) == Counter(row[1] for row in rows)


def test_without_header_and_comments_between(folder: Path) -> None:
    first, rest = ROWS.split("\n", 1)
    (folder / "tracks.csv").write_text(f"{first}\n\n# a remark, by someone\n{rest}")
    assert formats.recognise(folder)[0].name == "viame"
    assert "nine columns" in (viame.recognise(folder) or "")
    assert viame.read(folder, Options()).boxes_out == 4


def test_frames_of_a_video(tmp_path: Path) -> None:
    source, frames = tmp_path / "export", tmp_path / "frames"
    video(source / "reef" / "reef.avi", 10)
    frames.mkdir()
    text = (
        "1,00:00:00.200000,2,10,20,30,40,1,-1,fish,1\n1,00:00:00.700000,7,50,60,80,90,1,-1,fish,1\n"
        "2,00:00:09.500000,95,10,20,30,40,1,-1,eel,1\n"
    )
    (source / "reef" / "annotations.viame.csv").write_text(HEADER + text)
    with pytest.raises(FishDataError, match="3 pictures have to be taken from 1 videos"):
        viame.read(source, Options())
    converted = viame.read(source, Options(frames=frames))
    part = converted.parts["train"]
    assert boxes(converted) == [
        ("reef_000002.jpg", "fish", 10, 20, 20, 20),
        ("reef_000007.jpg", "fish", 50, 60, 30, 30),
    ]
    levels = [cv2.imread(str(part.image_dir / name)).mean() for name in part.annotations.file_names]
    assert levels == pytest.approx([40, 140], abs=2)
    assert list(part.annotations.image_meta["frame"]) == ["2", "7"]
    assert (converted.boxes_in, converted.boxes_out) == (3, 2)
    (loss,) = converted.losses.values()
    assert (loss.count, loss.examples) == (1, ["image: reef.avi frame 95"])


def test_time_stamps_without_their_video(folder: Path) -> None:
    text = "7,00:00:01.0,10,1,2,3,4,1,-1,eel,1\n"
    (folder / "result.csv").write_text(HEADER + ROWS + text)
    converted = viame.read(folder, Options())
    (reason,) = converted.losses
    assert reason == "no video (or several) for a box given by frame number"
    assert converted.losses[reason].examples == ["result.csv, line 7: frame 10"]


@pytest.mark.parametrize(
    "row",
    ["2,a.png,1,82,309,430", "2,a.png,one,1,2,3,4,1,-1", "x,,,,,,,,", "1,a.png,0,1,2,3,4,sure,-1"],
)
def test_bad_rows(folder: Path, row: str) -> None:
    (folder / "result.csv").write_text(HEADER + ROWS + row + "\n")
    converted = viame.read(folder, Options())
    (loss,) = converted.losses.values()
    assert loss.examples[0].startswith("result.csv, line 7: ")
    (folder / "result.csv").write_text(HEADER + f"{row}\n" * 3)
    with pytest.raises(FishDataError, match="3 of 3 rows cannot be read; the first is line 3"):
        viame.read(folder, Options())


def test_no_such_table(folder: Path) -> None:
    (folder / "labels.csv").write_text("filename,class,xmin,ymin,xmax,ymax\na.png,eel,1,2,3,4\n")
    assert viame.recognise(folder) is None
    with pytest.raises(FishDataError, match="no VIAME table"):
        viame.read(folder, Options())


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_only_our_error_comes_out(data: st.DataObject) -> None:
    text = bytearray((HEADER + ROWS).encode())
    for _ in range(data.draw(st.integers(0, 6))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "result.csv"
        path.write_bytes(bytes(text[: data.draw(st.integers(0, len(text)))]))
        viame.recognise(Path(name))
        builder = Builder()
        try:
            found = viame.read_detections(path, builder)
        except FishDataError as error:
            assert str(error)
        else:
            assert builder.boxes_in == sum(loss.count for loss in builder.losses.values())
            assert all(len(detection.corners) == 4 for detection in found)
