"""Writing out and reading back; supervision is the independent reader."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
import supervision
from hypothesis import given, settings
from hypothesis import strategies as st

from fish_dataset import Annotations, FishDataError
from fish_dataset.folder import Part
from fish_dataset.formats import Options, named
from fish_dataset.formats.write import not_writable, write_as
from fish_dataset.formats.write_voc import NOT_XML

WIDTH, HEIGHT = 640, 427
CLASSES = ("eel", "고등어", 'a "b", <c> & d')
TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=8)


def part_of(
    folder: Path, boxes: list[tuple], classes=CLASSES, names=("a.png",), flags=None
) -> Part:
    """A split of pictures of 640 × 427; ``boxes`` are (image, label, x, y, w, h)."""
    boxes = sorted(boxes, key=lambda box: box[0])
    xywh = np.array([box[2:] for box in boxes], dtype=np.float32).reshape(-1, 4)
    marks = np.zeros((len(boxes), 2), dtype=bool) if flags is None else np.array(flags)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if not (folder / name).exists():
            cv2.imwrite(str(folder / name), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    return Part(
        Annotations(
            classes=classes,
            image_ids=np.arange(1, len(names) + 1),
            file_names=list(names),
            widths=np.full(len(names), WIDTH),
            heights=np.full(len(names), HEIGHT),
            box_ids=np.arange(1, len(boxes) + 1),
            box_image=np.array([box[0] for box in boxes], dtype=np.int64),
            bboxes=xywh,
            labels=np.array([box[1] for box in boxes], dtype=np.int64),
            crowd=marks[:, 0],
            ignore=marks[:, 1],
            areas=xywh[:, 2] * xywh[:, 3],
        ),
        folder,
    )


def corners(table: Annotations) -> np.ndarray:
    return np.concatenate([table.bboxes[:, :2], table.bboxes[:, :2] + table.bboxes[:, 2:]], axis=1)


def side(limit: int) -> st.SearchStrategy[tuple[float, float]]:
    """Start and length, at least 0.05 pixel, inside 0 … limit."""
    return st.tuples(st.floats(0, 1), st.floats(0, 1)).map(
        lambda ab: (ab[0] * (limit - 0.05), 0.05 + ab[1] * (limit - 0.05) * (1 - ab[0]))
    )


BOX = st.tuples(st.integers(0, 1), st.integers(0, 2), side(WIDTH), side(HEIGHT)).map(
    lambda b: (b[0], b[1], b[2][0], b[3][0], b[2][1], b[3][1])
)


@settings(max_examples=40, deadline=None)
@given(st.lists(BOX, max_size=6), st.sampled_from(["yolo", "voc", "csv"]))
def test_out_and_back_is_the_same_to_half_a_pixel(tmp_path_factory, boxes, kind):
    root = tmp_path_factory.mktemp("set")
    # A large box among them, so that a few tiny ones in the corner are not taken for fractions.
    boxes = [(0, 0, 100, 100, 50, 50), *boxes]
    part = part_of(root / "in", boxes, names=("a.png", "sub dir/나.png"))
    write_as(kind, root / "out", {"val": part}, images="symlink")
    back = named(kind).read(root / "out", Options(class_names=CLASSES))
    mine, theirs = part.annotations, back.parts["val"].annotations
    assert sorted(theirs.file_names) == sorted(mine.file_names)
    order = [list(theirs.file_names).index(name) for name in mine.file_names]
    theirs = theirs.select_images(order)
    assert theirs.classes == mine.classes
    assert theirs.labels.tolist() == mine.labels.tolist()
    assert theirs.box_image.tolist() == mine.box_image.tolist()
    np.testing.assert_allclose(corners(theirs), corners(mine), atol=0.501)
    assert not any(loss.count for loss in back.losses.values())


FRACTION = st.floats(0.001, 1)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), *[FRACTION] * 4), min_size=1, max_size=6))
def test_yolo_in_and_out_is_the_same(tmp_path_factory, lines):
    root = tmp_path_factory.mktemp("yolo")
    (root / "in").mkdir()
    cv2.imwrite(str(root / "in" / "a.png"), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    # Left, top and the share of the rest, so that every box lies inside.
    boxes = [(n, x * 0.9, y * 0.9, w * (1 - x * 0.9), h * (1 - y * 0.9)) for n, x, y, w, h in lines]
    text = "".join(f"{n} {x + w / 2} {y + h / 2} {w} {h}\n" for n, x, y, w, h in boxes)
    (root / "in" / "a.txt").write_text(text)
    (root / "in" / "classes.txt").write_text("a\nb\nc\n")
    read = named("yolo").read(root / "in", Options())
    write_as("yolo", root / "out", read.parts, images="symlink")
    after = (root / "out" / "labels" / "train" / "a.txt").read_text()
    old = np.array([line.split() for line in text.splitlines()], dtype=float)
    new = np.array([line.split() for line in after.splitlines()], dtype=float)
    np.testing.assert_allclose(new * WIDTH, old * WIDTH, atol=0.01)


def test_supervision_reads_what_we_write(tmp_path):
    boxes = [(0, 0, 10.25, 20.5, 100, 50), (0, 1, 0, 0, WIDTH, HEIGHT), (1, 2, 3.5, 4.75, 7, 9)]
    part = part_of(tmp_path / "in", boxes, names=("a.png", "b.png", "c.png"))
    write_as("yolo", tmp_path / "yolo", {"train": part})
    write_as("voc", tmp_path / "voc", {"train": part})
    readers = {
        "yolo": supervision.DetectionDataset.from_yolo(
            images_directory_path=str(tmp_path / "yolo/images/train"),
            annotations_directory_path=str(tmp_path / "yolo/labels/train"),
            data_yaml_path=str(tmp_path / "yolo/data.yaml"),
        ),
        "voc": supervision.DetectionDataset.from_pascal_voc(
            images_directory_path=str(tmp_path / "voc/JPEGImages"),
            annotations_directory_path=str(tmp_path / "voc/Annotations"),
        ),
    }
    expected = corners(part.annotations)
    for kind, theirs in readers.items():
        by_name = {Path(path).name: found for path, _, found in theirs}
        assert sorted(by_name) == ["a.png", "b.png", "c.png"]
        for row, name in enumerate(part.annotations.file_names):
            mine = part.annotations.boxes_of(row)
            found = by_name[name]
            names = [theirs.classes[label] for label in found.class_id]
            assert names == [CLASSES[label] for label in part.annotations.labels[mine]], kind
            tolerance = 0.501 if kind == "voc" else 0.001
            np.testing.assert_allclose(
                found.xyxy.reshape(-1, 4), expected[mine], atol=tolerance, err_msg=kind
            )


def test_marks_of_crowd_and_ignore(tmp_path):
    boxes = [(0, 0, 10, 20, 30, 40), (0, 1, 10, 20, 30, 40), (0, 2, 10, 20, 30, 40)]
    flags = [(False, False), (True, False), (False, True)]
    parts = {"train": part_of(tmp_path / "in", boxes, flags=flags)}
    assert not_writable("voc", parts) == not_writable("csv", parts) == ({}, {})
    losses, names = not_writable("yolo", parts)
    assert [loss.count for loss in losses.values()] == [2]
    assert names == {CLASSES[1]: 1, CLASSES[2]: 1}
    for kind in ("yolo", "voc", "csv"):
        write_as(kind, tmp_path / kind, parts)
    label = (tmp_path / "yolo/labels/train/a.txt").read_text()
    assert len(label.splitlines()) == 1
    voc = named("voc").read(tmp_path / "voc", Options()).parts["train"].annotations
    assert sorted(voc.ignore.tolist()) == [False, True, True]
    rows = list(csv.DictReader((tmp_path / "csv/train.csv").open(encoding="utf-8", newline="")))
    assert [(row["iscrowd"], row["ignore"]) for row in rows] == [("0", "0"), ("1", "0"), ("0", "1")]


def test_a_picture_without_boxes_is_written(tmp_path):
    parts = {"train": part_of(tmp_path / "in", [])}
    for kind in ("yolo", "voc", "csv"):
        write_as(kind, tmp_path / kind, parts)
        # A table without a single box names no class of its own.
        back = named(kind).read(tmp_path / kind, Options(class_names=CLASSES))
        assert (back.images_out, back.boxes_out) == (1, 0)


def test_two_splits_with_pictures_of_one_name(tmp_path):
    boxes = [(0, 0, 10, 20, 30, 40)]
    parts = {s: part_of(tmp_path / s, boxes) for s in ("train", "val")}
    write_as("yolo", tmp_path / "yolo", parts)
    assert (tmp_path / "yolo/images/val/a.png").is_file()
    for kind in ("voc", "csv"):
        with pytest.raises(FishDataError, match="would share a name"):
            write_as(kind, tmp_path / kind, parts)
        assert not (tmp_path / kind).exists()


def test_one_label_file_for_two_pictures_is_refused(tmp_path):
    parts = {"train": part_of(tmp_path / "in", [], names=("a.png", "a.jpg"))}
    for kind in ("yolo", "voc"):
        with pytest.raises(FishDataError, match="share a name or a label file"):
            write_as(kind, tmp_path / kind, parts)
    write_as("csv", tmp_path / "csv", parts)


@pytest.mark.parametrize("char", sorted(NOT_XML)[::7])
def test_characters_that_xml_cannot_hold(tmp_path, char):
    parts = {"train": part_of(tmp_path / "in", [], classes=("eel" + char,))}
    with pytest.raises(FishDataError, match="control character"):
        write_as("voc", tmp_path / "voc", parts)


@settings(max_examples=20, deadline=None)
@given(TEXT.map(str.strip).filter(bool))
def test_any_class_name_comes_back(tmp_path_factory, name):
    root = tmp_path_factory.mktemp("names")
    parts = {"train": part_of(root / "in", [(0, 0, 10, 20, 30, 40)], classes=(name,))}
    for kind in ("yolo", "voc"):
        if kind == "voc" and NOT_XML & set(name):
            continue
        write_as(kind, root / kind, parts, images="symlink")
        back = named(kind).read(root / kind, Options())
        assert back.parts["train"].annotations.classes == (name,)


@pytest.mark.parametrize("kind", ["yolo", "voc", "csv", "coco"])
def test_nothing_is_left_where_a_picture_is_missing(tmp_path, kind):
    part = part_of(tmp_path / "in", [(0, 0, 1, 1, 5, 5)], names=("a.png", "b.png"))
    (tmp_path / "in" / "b.png").unlink()
    with pytest.raises(FishDataError, match=r"b\.png"):
        write_as(kind, tmp_path / "out" / kind, {"train": part})
    assert list((tmp_path / "out").iterdir()) == []


def test_crowds_and_ignored_boxes_come_back_from_a_table(tmp_path: Path) -> None:
    flags = [(False, False), (True, False), (False, True), (True, True)]
    boxes = [(0, i % 3, 10 * i, 20, 30, 40) for i in range(4)]
    part = part_of(tmp_path / "in", boxes, flags=flags)
    write_as("csv", tmp_path / "out", {"train": part}, images="copy", documents={})
    back = named("csv").read(tmp_path / "out", Options()).parts["train"].annotations
    assert list(zip(back.crowd.tolist(), back.ignore.tolist(), strict=True)) == flags
