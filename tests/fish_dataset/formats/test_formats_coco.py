"""COCO and its varieties, written in the form that their makers document or their trackers show."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fish_dataset import FishDataError
from fish_dataset.formats import Options, named, recognise

COCO = named("coco")


def lost(converted) -> dict[str, int]:
    return {reason: loss.count for reason, loss in converted.losses.items()}


def check_account(converted) -> None:
    assert converted.boxes_in == converted.boxes_out + sum(lost(converted).values())
    assert sum(converted.names_in.values()) == converted.boxes_in
    assert sum(converted.names_out.values()) == converted.boxes_out


def test_plain_with_a_video_and_other_files(document, write, draw, tmp_path):
    document["images"][0] |= {"video": "dive1", "frame": 7}
    document["annotations"][1] |= {"iscrowd": 1}
    document["annotations"][2] |= {"ignore": 1, "area": 55.5}
    write(document, "train.json")
    write(document, "train_small.json")
    write({"images": []}, "notes.json")
    draw(tmp_path / "images", ["a.png", "b.png", "c.png"])
    converted = recognise(tmp_path)[0].read(tmp_path, Options())
    table = converted.parts["train"].annotations
    assert table.classes == ("eel", "salmon")
    assert table.bboxes.tolist() == [[4, 5, 20, 10], [40, 20, 20, 20], [30, 8, 12, 30]]
    assert table.labels.tolist() == [0, 1, 1]
    assert table.crowd.tolist() == [False, False, True]
    assert table.ignore.tolist() == [False, True, False]
    assert table.areas.tolist() == [200, 55.5, 360]
    assert table.image_meta["video"][0] == "dive1"
    assert table.image_meta["frame"][0] == "7"
    assert [note.split(":")[0] for note in converted.notes] == [
        "notes.json is not read",
        "train_small.json is left alone; name it to convert it",
    ]
    assert not converted.losses
    check_account(converted)


def test_roboflow(document, write, draw, tmp_path):
    document["categories"] = [
        {"id": 0, "name": "fishes", "supercategory": "none"},
        {"id": 1, "name": "eel", "supercategory": "fishes"},
        {"id": 2, "name": "salmon", "supercategory": "fishes"},
    ]
    for folder in ("train", "valid", "test"):
        write(document, f"{folder}/_annotations.coco.json")
        draw(tmp_path / folder, ["a.png", "b.png", "c.png"])
    found, evidence = recognise(tmp_path)
    converted = found.read(tmp_path, Options())
    assert "Roboflow" in evidence
    assert list(converted.parts) == ["train", "val", "test"]
    assert converted.parts["val"].annotations.classes == ("eel", "salmon")
    names = [n for part in converted.parts.values() for n in part.annotations.file_names]
    assert len(set(names)) == 9  # the three folders hold pictures of the same names
    assert any("dummy category" in note for note in converted.notes)
    check_account(converted)


def test_a_picture_is_not_taken_from_another_split(document, write, draw, tmp_path):
    write(document, "train/_annotations.coco.json")
    write(document, "valid/_annotations.coco.json")
    draw(tmp_path / "train", ["a.png", "b.png", "c.png"])
    draw(tmp_path / "valid", ["a.png"])
    converted = COCO.read(tmp_path, Options())
    assert converted.parts["val"].annotations.num_images == 1
    assert converted.images_in == 6
    assert lost(converted) == {"picture not found (or several of that name)": 1}
    check_account(converted)


def test_cvat(document, write, draw, tmp_path):
    for box in document["annotations"]:
        box |= {"segmentation": [], "attributes": {"occluded": False, "rotation": 0.0}}
    write(document, "annotations/instances_default.json")
    draw(tmp_path / "images" / "default", ["a.png", "b.png", "c.png"])
    found, evidence = recognise(tmp_path)
    converted = found.read(tmp_path, Options())
    assert "CVAT" in evidence
    assert converted.parts["train"].annotations.num_boxes == 3
    assert any("split.py" in note for note in converted.notes)


@pytest.mark.parametrize(
    "pattern",
    [
        "images\\{}",
        "images\\1/{}",
        "images/{}",
        "..\\..\\label-studio\\label-studio\\media\\upload\\4\\{}",
        "../../label-studio/label-studio/media/upload/4/{}",
        "C:\\Users\\me\\{}",
        "/data/local-files/{}",
    ],
)
def test_label_studio(document, write, draw, tmp_path, pattern):
    for image in document["images"]:
        image["file_name"] = pattern.format(image["file_name"])
        image["id"] -= 1
    for box in document["annotations"]:
        box["image_id"] -= 1
        box["category_id"] -= 1
    for category in document["categories"]:
        category["id"] -= 1
    write(document, "result.json")
    draw(tmp_path / "images", ["a.png", "b.png", "c.png"])
    found, evidence = recognise(tmp_path)
    converted = found.read(tmp_path, Options())
    assert "Label Studio" in evidence
    table = converted.parts["train"].annotations
    assert table.file_names == ["a.png", "b.png", "c.png"]
    assert table.num_boxes == 3
    assert table.classes == ("eel", "salmon")
    assert table.image_meta["source_id"] == ["0", "1", "2"]


def test_a_name_that_leaves_the_folder_finds_nothing_outside(document, write, draw, tmp_path):
    document["images"][0]["file_name"] = "../outside.png"
    document["images"][1]["file_name"] = str(tmp_path / "outside.png")
    write(document, "set/train.json")
    draw(tmp_path / "set" / "images", ["c.png"])
    draw(tmp_path, ["outside.png"])
    converted = COCO.read(tmp_path / "set", Options())
    assert converted.parts["train"].annotations.file_names == ["c.png"]
    assert lost(converted) == {"picture not found (or several of that name)": 3}


CAMERA_TRAPS = {
    "info": {"version": "1.0", "description": "as lila.science/coco-camera-traps describes"},
    "categories": [{"id": 0, "name": "empty"}, {"id": 3, "name": "fish"}],
    "images": [
        {"id": "s1/f0", "file_name": "a.png", "location": "reef", "seq_id": "s1", "frame_num": 0},
        {"id": "s1/f1", "file_name": "b.png", "location": "reef", "seq_id": "s1", "frame_num": 1},
        {"id": "s2/f0", "file_name": "c.png", "location": "bay", "seq_id": "s2"},
        {"id": "s3/f0", "file_name": "d.png", "corrupt": True},
    ],
    "annotations": [
        {"id": "u1", "image_id": "s1/f0", "category_id": 3, "bbox": [4, 5, 20, 10]},
        {"id": "u2", "image_id": "s1/f1", "category_id": 0},
        {"id": "u3", "image_id": "s2/f0", "category_id": 3, "sequence_level_annotation": True},
        {"id": "u4", "image_id": "s3/f0", "category_id": 3, "bbox": [4, 5, 20, 10]},
    ],
}


def test_lila_camera_traps(write, draw, tmp_path):
    write(CAMERA_TRAPS, "set.json")
    draw(tmp_path, ["a.png", "b.png", "c.png", "d.png"])
    converted = recognise(tmp_path / "set.json")[0].read(tmp_path / "set.json", Options())
    table = converted.parts["train"].annotations
    assert table.classes == ("fish",)
    # b is empty and stays; c holds fish that nobody boxed, d is corrupt: neither is a negative.
    assert table.file_names == ["a.png", "b.png"]
    assert table.num_boxes == 1
    assert table.image_meta["site"] == ["reef", "reef"]
    assert table.image_meta["video"] == ["s1", "s1"]
    assert table.image_meta["frame"] == ["0", "1"]
    assert table.image_meta["source_id"] == ["s1/f0", "s1/f1"]
    assert lost(converted) == {
        "no box (a label for the whole picture)": 1,
        "box of an image entry that cannot be used": 1,
        "picture with a label but no box (left out: it is no picture without fish)": 0,
        "image is marked as corrupt by the source": 0,
    }
    assert converted.boxes_in == 3
    check_account(converted)


@pytest.mark.parametrize("kind", [str, float, lambda number: f"img-{number}"])
def test_ids_of_other_kinds(document, write, draw, tmp_path, kind):
    for image in document["images"]:
        image["id"] = kind(image["id"])
    for box in document["annotations"]:
        box["image_id"] = kind(box["image_id"])
        box["category_id"] = float(box["category_id"])
    write(document)
    draw(tmp_path / "images", ["a.png", "b.png", "c.png"])
    table = COCO.read(tmp_path, Options()).parts["train"].annotations
    assert table.box_image.tolist() == [0, 0, 1]
    assert table.labels.tolist() == [0, 1, 1]


def test_polygons_without_a_box(document, write, draw, tmp_path):
    document["annotations"][0] |= {
        "bbox": [],
        "segmentation": [[1, 2, 9, 2, 5, 12], [3, 1, 4, 2, 3, 2]],
    }
    document["annotations"][1] |= {"bbox": [], "segmentation": {"counts": "x", "size": [4, 4]}}
    write(document)
    draw(tmp_path / "images", ["a.png", "b.png", "c.png"])
    converted = COCO.read(tmp_path, Options())
    assert converted.parts["train"].annotations.bboxes[0].tolist() == [1, 1, 8, 11]
    assert lost(converted) == {
        "bbox is not four numbers": 1,
        "picture whose boxes were all lost (left out: it is no picture without fish)": 0,
    }
    assert converted.parts["train"].annotations.file_names == ["a.png", "c.png"]


def test_each_fault_is_a_loss_with_its_place(document, write, draw, tmp_path):
    sound = document["annotations"][0]
    faults = {
        "image_id names no image of the file (or two)": {"image_id": 99},
        "category_id names no category of the file": {"category_id": 99},
        "bbox is not four numbers": {"bbox": [1, 2, 3]},
        "box of negative width or height": {"bbox": [9, 9, -4, 5]},
        "box of no width or height": {"bbox": [9, 9, 0, 5]},
        "box outside its picture": {"bbox": [100, 100, 5, 5]},
        "box holds NaN or infinity": {"bbox": [float("nan"), 1, 5, 5]},
    }
    for number, change in enumerate(faults.values(), 10):
        document["annotations"].append(copy.deepcopy(sound) | {"id": number} | change)
    document["images"].append({"id": 9, "width": 4, "height": 4})
    document["images"].append({"id": 1, "file_name": "c.png", "width": 64, "height": 48})
    document["annotations"][1]["bbox"] = [30, 8, 100, 100]  # reaches over the edge: cut, not lost
    write(document)
    draw(tmp_path / "images", ["a.png", "b.png", "c.png"])
    converted = COCO.read(tmp_path, Options())
    # Image id 1 now stands for a.png and for c.png, so both go with the boxes that name it.
    assert lost(converted)["box of an image entry that cannot be used"] == 2 + 6
    assert converted.losses["image id is used by two pictures"].places == 2
    assert converted.losses["image entry without a file_name"].places == 1
    check_account(converted)
    document["images"] = document["images"][:3]
    write(document)
    converted = COCO.read(tmp_path, Options())
    assert lost(converted) == dict.fromkeys(faults, 1)
    assert (
        "annotation 4"
        in converted.losses["image_id names no image of the file (or two)"].examples[0]
    )
    assert converted.parts["train"].annotations.bboxes.tolist()[2] == [30, 8, 34, 40]
    assert "1 × box reaches over the edge of its picture and is cut there" in converted.notes
    check_account(converted)


def test_two_names_of_one_picture_and_unknown_sizes(document, write, draw, tmp_path):
    document["images"][1]["file_name"] = "./a.png"
    for image in document["images"]:
        del image["width"]
    write(document)
    draw(tmp_path / "images", ["a.png", "c.png"], size=(64, 48))
    converted = COCO.read(tmp_path, Options())
    table = converted.parts["train"].annotations
    assert table.file_names == ["a.png", "c.png"]
    assert table.widths.tolist() == [64, 64]
    assert table.box_image.tolist() == [0, 0, 0]
    assert any("merged" in note for note in converted.notes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bbox": [0.1, 0.1, 0.2, 0.2]}, "fractions of the picture"),
        (None, "look like \\[x1, y1, x2, y2\\]"),
    ],
)
def test_boxes_of_another_convention_are_refused(document, write, draw, tmp_path, change, words):
    sound = document["annotations"][0]
    corners = {"bbox": [30, 20, 60, 45]}
    document["annotations"] = [sound | (change or corners) | {"id": n} for n in range(1, 13)]
    write(document)
    draw(tmp_path / "images", ["a.png", "b.png", "c.png"])
    with pytest.raises(FishDataError, match=words):
        COCO.read(tmp_path, Options())


def test_two_files_for_one_split(document, write, draw, tmp_path):
    write(document, "annotations/instances_train2014.json")
    write(document, "annotations/instances_train2017.json")
    with pytest.raises(FishDataError, match="train2014.*train2017"):
        COCO.read(tmp_path, Options())


def test_pictures_elsewhere_and_nowhere(document, write, draw, tmp_path):
    write(document, "set/train.json")
    with pytest.raises(FishDataError, match="--image-dir"):
        COCO.read(tmp_path / "set", Options())
    photos = draw(tmp_path / "photos", ["a.png", "b.png", "c.png"])
    converted = COCO.read(tmp_path / "set", Options(image_dir=photos))
    assert converted.parts["train"].image_dir == photos


@pytest.mark.parametrize("data", [b"", b"{", b'{"images": []}', b"[1]", "어".encode("cp949")])
def test_files_that_are_none(tmp_path, data):
    (tmp_path / "train.json").write_bytes(data)
    with pytest.raises(FishDataError, match="train.json"):
        COCO.read(tmp_path / "train.json", Options())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_any_value_anywhere_raises_nothing_but_our_error(data, tmp_path_factory):
    root = tmp_path_factory.mktemp("fuzz")
    cv2.imwrite(str(root / "a.png"), np.zeros((48, 64, 3), np.uint8))
    document = {
        "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 48}] * 2,
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [4, 5, 20, 10]}] * 2,
        "categories": [{"id": 1, "name": "eel"}] * 2,
    }
    document = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(1, 4))):
        entry = document[data.draw(st.sampled_from(sorted(document)))][data.draw(st.integers(0, 1))]
        entry[data.draw(st.sampled_from([*entry, "segmentation", "seq_id", "corrupt"]))] = (
            data.draw(JSON)
        )
    (root / "train.json").write_text(json.dumps(document))
    try:
        converted = COCO.read(root, Options())
    except FishDataError:
        return
    check_account(converted)


@pytest.mark.parametrize(
    ("name", "images", "boxes"), [("aquarium", 575, 4233), ("deepfish", 953, 1551)]
)
def test_real_sets_keep_every_box(fishdet_data, name, images, boxes):
    root: Path = fishdet_data / name
    found, _ = recognise(root)
    converted = found.read(root, Options())
    documents = {s: json.loads((root / f"{s}.json").read_text()) for s in ("train", "val")}
    assert converted.images_out == sum(len(d["images"]) for d in documents.values()) == images
    assert converted.boxes_out == sum(len(d["annotations"]) for d in documents.values()) == boxes
    assert not converted.losses
    for split, expected in documents.items():
        table = converted.parts[split].annotations
        names = {c["id"]: c["name"] for c in expected["categories"]}
        mine = sorted(
            (table.file_names[image], table.classes[label], *box)
            for image, label, box in zip(
                table.box_image.tolist(), table.labels.tolist(), table.bboxes.tolist(), strict=True
            )
        )
        files = {i["id"]: i["file_name"] for i in expected["images"]}
        theirs = sorted(
            (files[a["image_id"]], names[a["category_id"]], *map(float, np.float32(a["bbox"])))
            for a in expected["annotations"]
        )
        assert mine == theirs
