"""The Brackish Dataset: boxes on 960×540 for videos of 1920×1080."""

from __future__ import annotations

import csv
import io
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
from fish_dataset.formats import brackish
from fish_dataset.formats.source import Converted, Options

Draw = Callable[..., Path]

CLIP = "2019-03-06_22-03-36to2019-03-06_22-04-08_1"
HEADER = (
    "Filename;Object ID;Annotation tag;Upper left corner X;Upper left corner Y;"
    "Lower right corner X;Lower right corner Y\n"
)
TRAIN = (
    f"{HEADER}{CLIP}-0004.png;19;fish;678;402;871;539\n{CLIP}-0004.png;195;crab;684;364;717;402\n"
)
TEST = f"{HEADER}{CLIP}-0002.png;3;small_fish;216;510;291;563\n"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as it is published, with one video of which frame n has the level 25 n."""
    root = tmp_path_factory.mktemp("brackish")
    for part in ("annotations/annotations_AAU", "dataset/videos/crab"):
        (root / part).mkdir(parents=True)
    (root / "annotations/annotations_AAU/train.csv").write_text(TRAIN)
    (root / "annotations/annotations_AAU/test.csv").write_text(TEST)
    (root / "train.txt").write_text(f"{CLIP}-0004.png\n{CLIP}-0006.png\n")
    path = root / "dataset/videos/crab" / f"{CLIP}.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (1920, 1080))
    for number in range(1, 8):
        writer.write(np.full((1080, 1920, 3), 25 * number, np.uint8))
    writer.release()
    return root


def boxes(converted: Converted, split: str) -> list[tuple]:
    part = converted.parts[split].annotations
    return [
        (part.file_names[row], part.classes[label], *box)
        for row, label, box in zip(part.box_image, part.labels, part.bboxes.tolist(), strict=True)
    ]


def test_frames_and_boxes_at_the_videos_size(source: Path, tmp_path: Path) -> None:
    converted = brackish.read(source, Options(frames=tmp_path))
    assert boxes(converted, "train") == [
        (f"{CLIP}-0004.jpg", "fish", 1356, 804, 386, 274),
        (f"{CLIP}-0004.jpg", "crab", 1368, 728, 66, 76),
    ]
    # 563 lies under the lower edge of 540; the box is cut there.
    assert boxes(converted, "test") == [(f"{CLIP}-0002.jpg", "small_fish", 432, 1020, 150, 60)]
    part = converted.parts["train"]
    assert part.annotations.classes == brackish.CLASSES
    assert list(part.annotations.image_meta["video"]) == [CLIP, CLIP]
    assert list(part.annotations.image_meta["frame"]) == ["4", "6"]
    for name, level in zip(part.annotations.file_names, (100, 150), strict=True):
        picture = cv2.imread(str(part.image_dir / name))
        assert picture.shape == (1080, 1920, 3)
        assert picture.mean() == pytest.approx(level, abs=2)


def test_counts_equal_the_csv_modules(source: Path, tmp_path: Path) -> None:
    converted = brackish.read(source, Options(frames=tmp_path))
    tables = [csv.DictReader(io.StringIO(text), delimiter=";") for text in (TRAIN, TEST)]
    want = Counter(row["Annotation tag"] for table in tables for row in table)
    assert {name: n for name, n in converted.names_out.items() if n} == dict(want)
    assert (converted.boxes_in, converted.losses) == (sum(want.values()), {})


def test_frames_on_disk_are_used(source: Path, tmp_path: Path, draw: Draw) -> None:
    names = [f"{CLIP}-{number:04d}.png" for number in (2, 4, 6)]
    draw(tmp_path, names, size=(960, 540))
    converted = brackish.read(source, Options(image_dir=tmp_path))
    assert boxes(converted, "train")[0] == (names[1], "fish", 678, 402, 193, 137)
    assert boxes(converted, "test") == [(names[0], "small_fish", 216, 510, 75, 30)]
    assert list(converted.parts["train"].annotations.file_names) == names[1:]


def test_dry_run_says_what_it_cannot_do(source: Path) -> None:
    with pytest.raises(FishDataError, match="3 pictures have to be taken from 1 videos"):
        brackish.read(source, Options())


def test_frames_past_the_end_and_other_videos_are_listed(source: Path, tmp_path: Path) -> None:
    table = tmp_path / "copy" / "annotations.csv"
    table.parent.mkdir()
    more = f"{CLIP}-0099.png;1;fish;1;2;3;4\nother-0001.png;1;fish;1;2;3;4\n"
    table.write_text(TRAIN + more + f"{CLIP}-0004.png;1;fish;a;2;3;4\n")
    (tmp_path / "frames").mkdir()
    options = Options(image_dir=source, frames=tmp_path / "frames")
    converted = brackish.read(table, options)
    assert (converted.boxes_in, converted.boxes_out) == (5, 2)
    missing = converted.losses["picture not found (or several of that name)"]
    assert missing.examples == [f"image: {CLIP}-0099.png", "image: other-0001.png"]
    assert (
        converted.losses["coordinate that is no number"]
        .examples[0]
        .startswith("annotations.csv, line 6")
    )


def test_a_broken_video_is_named(tmp_path: Path) -> None:
    (tmp_path / f"{CLIP}.avi").write_bytes(b"RIFF no video")
    (tmp_path / "test.csv").write_text(TEST)
    (tmp_path / "frames").mkdir()
    with pytest.raises(FishDataError, match=f"{CLIP}.avi: OpenCV cannot open"):
        brackish.read(tmp_path, Options(frames=tmp_path / "frames"))


def test_recognise(source: Path, tmp_path: Path) -> None:
    assert formats.recognise(source)[0].name == "brackish"
    assert "AAU" in (brackish.recognise(source) or "")
    (tmp_path / "labels.csv").write_text(TRAIN.replace(f"{CLIP}-0004.png", "photo.png"))
    assert brackish.recognise(tmp_path) is None
    with pytest.raises(FishDataError, match="no table of the Brackish Dataset"):
        brackish.read(tmp_path, Options())


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_only_our_error_comes_out(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = bytearray(TRAIN.encode())
    for _ in range(data.draw(st.integers(0, 6))):
        text[data.draw(st.integers(len(HEADER), len(text) - 1))] = data.draw(st.integers(0, 255))
    root = tmp_path_factory.mktemp("fuzz")
    cv2.imwrite(str(root / f"{CLIP}-0004.png"), np.zeros((54, 96, 3), np.uint8))
    (root / "train.csv").write_bytes(bytes(text))
    brackish.recognise(root)
    try:
        converted = brackish.read(root, Options())
    except FishDataError as error:
        assert str(error)
    else:
        lost = sum(loss.count for loss in converted.losses.values())
        assert converted.boxes_in == converted.boxes_out + lost
