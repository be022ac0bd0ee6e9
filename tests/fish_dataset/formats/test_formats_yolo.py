"""YOLO in every folder form; the truth is what the test wrote, or what supervision reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import supervision
from hypothesis import given, settings
from hypothesis import strategies as st

from fish_dataset import FishDataError
from fish_dataset.formats import Options, named, recognise
from fish_dataset.formats.yolo_config import Config
from fish_dataset.formats.yolo_line import Line, looks_like_labels, parse_line

YOLO = named("yolo")
LINES = "0 0.5 0.5 0.25 0.5\n1 0.25 0.25 0.5 0.25\n"
BOXES = [[24, 12, 16, 24], [0, 6, 32, 12]]  # in a picture of 64 × 48, by hand
NAMES = ["eel", "salmon"]


def put(root: Path, **files: str) -> None:
    """Writes files; ``__`` in a key stands for a slash."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def check(converted, split: str, boxes=BOXES) -> None:
    part = converted.parts[split]
    assert part.annotations.bboxes.tolist() == boxes
    assert part.annotations.classes == ("eel", "salmon")
    for name in part.annotations.file_names:
        assert (part.image_dir / name).is_file()


YAML = "train: {train}\nval: {val}\nnames: [eel, salmon]\n"
FORMS = {
    "ultralytics": ("images/train/a.png", "labels/train/a.txt", "images/train", "images/val"),
    "roboflow": ("train/images/a.png", "train/labels/a.txt", "../train/images", "../valid/images"),
    "list of folders": ("x/images/a.png", "x/labels/a.txt", "[x/images]", "[]"),
    "list file": ("pics/images/a.png", "pics/labels/a.txt", "train.txt", ""),
    "Windows": ("images/train/a.png", "labels/train/a.txt", r"images\train", r"images\val"),
    "beside": ("all/a.png", "all/a.txt", "all", ""),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_with_a_configuration(tmp_path, draw, form):
    picture, label, train, val = FORMS[form]
    draw(tmp_path, [picture])
    put(tmp_path, **{label: LINES, "data.yaml": YAML.format(train=train, val=val)})
    put(tmp_path, **{"train.txt": "./pics/images/a.png\n"})
    found, evidence = recognise(tmp_path)
    assert found.name == "yolo"
    assert "data.yaml" in evidence
    check(found.read(tmp_path, Options()), "train")
    check(found.read(tmp_path / "data.yaml", Options()), "train")


def test_names_as_a_dict_and_path(tmp_path, draw):
    draw(tmp_path / "set", ["images/val/a.png"])
    put(tmp_path, **{"set/labels/val/a.txt": LINES})
    text = "path: set\nval: images/val\nnames:\n  1: salmon\n  0: eel\n"
    put(tmp_path, **{"data.yaml": text})
    check(YOLO.read(tmp_path, Options()), "val")


@pytest.mark.parametrize("names", ["classes.txt", "obj.names", "labels/classes.txt"])
def test_flat_folder_with_a_list_of_names(tmp_path, draw, names):
    draw(tmp_path, ["a.png", "empty.png", "unlabelled.png"])
    put(tmp_path, **{"a.txt": LINES, "empty.txt": "\n", names: "eel\nsalmon\n\n"})
    assert recognise(tmp_path)[0].name == "yolo"
    converted = YOLO.read(tmp_path, Options())
    check(converted, "train")
    assert converted.images_out == 3
    assert "1 × picture with an empty label file, taken as one without fish" in converted.notes
    assert "1 × picture without a label file, taken as one without fish" in converted.notes
    assert any("split.py" in note for note in converted.notes)


def test_darknet_as_cvat_exports_it(tmp_path, draw):
    draw(tmp_path, ["obj_train_data/a.png", "obj_valid_data/a.png"])
    put(
        tmp_path,
        **{
            "obj.data": "classes = 2\nnames = obj.names\ntrain = train.txt\nvalid = valid.txt\n",
            "obj.names": "eel\nsalmon\n",
            "train.txt": "data/obj_train_data/a.png\n",
            "valid.txt": "data/obj_valid_data/a.png\ndata/obj_valid_data/gone.png\n",
            "obj_train_data/a.txt": LINES,
            "obj_valid_data/a.txt": "",
        },
    )
    converted = recognise(tmp_path)[0].read(tmp_path, Options())
    check(converted, "train")
    assert converted.parts["val"].annotations.num_images == 1
    # Both pictures are called a.png: the folders stay in their names.
    assert converted.parts["val"].annotations.file_names == ["obj_valid_data/a.png"]
    assert converted.losses["picture of a list not found"].places == 1


def test_pictures_elsewhere(tmp_path, draw):
    draw(tmp_path / "photos", ["day1/a.png"])
    put(tmp_path / "labels_only", **{"day1/a.txt": LINES, "classes.txt": "eel\nsalmon"})
    options = Options(image_dir=tmp_path / "photos")
    check(YOLO.read(tmp_path / "labels_only", options), "train")


def test_bad_lines_are_losses_each_with_its_place(tmp_path, draw):
    bad = {
        "0 0.5 0.5 0.25": "line of a wrong number of values",
        "0 0.5 0.5 0.25 0.5 0.1 0.2 0.3": "line of a wrong number of values",
        "2 0.5 0.5 0.25 0.5": "class number without a name",
        "-1 0.5 0.5 0.25 0.5": "class number without a name",
        "0.5 0.5 0.5 0.25 0.5": "class is no whole number",
        "eel 0.5 0.5 0.25 0.5": "line holds something that is no number",
        "0 nan 0.5 0.25 0.5": "line holds NaN or infinity",
        "0 32 24 16 24": "numbers are no fractions of the picture",
        "0 0.5 0.5 0 0.5": "box of no width or height",
        "0 0.5 0.5 -0.25 0.5": "box of negative width or height",
        "0 1.5 0.5 0.25 0.5": "box outside its picture",
    }
    draw(tmp_path, ["a.png"])
    put(tmp_path, **{"a.txt": LINES + "\n".join(bad), "classes.txt": "eel\nsalmon"})
    converted = YOLO.read(tmp_path, Options())
    check(converted, "train")
    assert converted.boxes_in == 2 + len(bad)
    assert converted.boxes_out == 2
    for reason in bad.values():
        count = sum(1 for other in bad.values() if other == reason)
        assert converted.losses[reason].count == count
    assert (
        "a.txt, line 3: 0 0.5 0.5 0.25"
        in converted.losses["line of a wrong number of values"].examples[0]
    )


def test_labels_and_pictures_that_do_not_meet(tmp_path, draw):
    draw(tmp_path, ["images/train/a.png", "images/extra/b.png"])
    (tmp_path / "images/train/broken.png").write_bytes(b"no picture")
    put(tmp_path, **{"data.yaml": YAML.format(train="images/train", val="images/val")})
    put(tmp_path, **{"labels/train/a.txt": LINES, "labels/train/gone.txt": LINES})
    put(tmp_path, **{"labels/train/broken.txt": LINES, "README.txt": "0 is the eel\n"})
    converted = YOLO.read(tmp_path, Options())
    check(converted, "train")
    assert converted.boxes_in == 6
    assert converted.losses["label file that belongs to no picture of the set"].count == 2
    assert converted.losses["picture cannot be read"].count == 2
    assert converted.losses["folder or list that the configuration names does not exist"].count == 0
    assert any(note.startswith("1 × picture is in no split") for note in converted.notes)


def test_a_turned_picture_is_taken_as_displayed(tmp_path):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by a quarter: 48 wide, 64 high
    Image.new("RGB", (64, 48)).save(tmp_path / "a.jpg", exif=exif)
    put(tmp_path, **{"a.txt": "0 0.5 0.5 0.5 0.5\n", "classes.txt": "eel\nsalmon"})
    converted = YOLO.read(tmp_path, Options())
    check(converted, "train", [[12, 16, 24, 32]])
    assert converted.parts["train"].annotations.widths.tolist() == [48]
    assert any("Exif" in note for note in converted.notes)


@pytest.mark.parametrize(
    ("line", "box", "remark"),
    [
        ("1 0.5 0.5 0.2 0.4", (0.4, 0.3, 0.2, 0.4), ""),
        ("1 0.5 0.5 0.2 0.4 0.9", (0.4, 0.3, 0.2, 0.4), "confidence"),
        ("1 0.1 0.2 0.5 0.2 0.3 0.6", (0.1, 0.2, 0.4, 0.4), "polygon"),
        ("1 0.1 0.2 0.5 0.2 0.5 0.6 0.1 0.6", (0.1, 0.2, 0.4, 0.4), "polygon"),
    ],
)
def test_lines(line, box, remark):
    parsed = parse_line(line, 1, NAMES)
    assert isinstance(parsed, Line)
    assert parsed.name == "salmon"
    assert parsed.box == pytest.approx(box)
    assert remark in parsed.remark


def test_keypoints_follow_the_box():
    parsed = parse_line("0 0.5 0.5 0.2 0.4 0.5 0.5 2 0.4 0.4 2", 1, NAMES, keypoint_values=6)
    assert isinstance(parsed, Line)
    assert parsed.box == pytest.approx((0.4, 0.3, 0.2, 0.4))
    assert (
        parse_line("0 0.5 0.5 0.2 0.4 0.5 0.5", 1, NAMES, 6) == "line of a wrong number of values"
    )


def test_what_labels_look_like():
    assert looks_like_labels("\n3 0.5 0.5 0.1 0.1\n")
    for text in ("", "eel\nsalmon", "1 2", "0 100 200 30 40", "a.jpg 1 2 3 4"):
        assert not looks_like_labels(text)


def test_a_set_without_names_is_refused_with_the_remedy(tmp_path, draw):
    draw(tmp_path, ["a.png"])
    put(tmp_path, **{"a.txt": LINES})
    with pytest.raises(FishDataError, match="--classes"):
        YOLO.read(tmp_path, Options())
    check(YOLO.read(tmp_path, Options(class_names=("eel", "salmon"))), "train")


@pytest.mark.parametrize(
    "text",
    [
        "names: [a, [b]]\ntrain: x\n",
        "names: {a: 1}\ntrain: x\n",
        "names: [a]\ntrain: {a: b}\n",
        "[1, 2]",
        "names: [a\n",
        "names: !!python/object/apply:os.system ['touch owned']\n",
        "names: !!int ''\n",
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{k}: &{k} [{','.join(['*' + j] * 9)}]\n"
            for j, k in zip("abcdefghi", "bcdefghij", strict=True)
        )
        + "names: *j\ntrain: *j\n",
    ],
)
def test_hostile_configurations(tmp_path, draw, text, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw(tmp_path, ["a.png"])
    put(tmp_path, **{"data.yaml": text, "a.txt": LINES})
    with pytest.raises(FishDataError, match="data.yaml"):
        YOLO.read(tmp_path, Options())
    assert not (tmp_path / "owned").exists()


def test_a_configuration_that_names_the_whole_disk_is_not_followed(tmp_path, draw):
    draw(tmp_path, ["a.png"])
    put(tmp_path, **{"data.yaml": YAML.format(train="/", val=".."), "a.txt": LINES})
    config = Config.of(tmp_path, Options())
    assert config.entries == {"train": ["/"], "val": [".."]}
    converted = YOLO.read(tmp_path, Options())
    assert converted.images_in == 1


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_any_line_is_a_box_or_a_reason(raw):
    for line in raw.splitlines():
        if line.strip():
            assert isinstance(parse_line(line, 1, NAMES), (Line, str))


@settings(max_examples=60, deadline=None)
@given(label=st.binary(max_size=80), config=st.binary(max_size=80))
def test_any_bytes_raise_nothing_but_our_error(label, config, tmp_path_factory):
    import cv2

    root = tmp_path_factory.mktemp("fuzz")
    cv2.imwrite(str(root / "a.png"), np.zeros((8, 8, 3), np.uint8))
    (root / "a.txt").write_bytes(label)
    (root / "data.yaml").write_bytes(b"names: [eel]\n" + config)
    try:
        converted = YOLO.read(root, Options())
    except FishDataError:
        return
    lost = sum(loss.count for loss in converted.losses.values())
    assert converted.boxes_in == converted.boxes_out + lost


def test_roboflows_export_equals_what_supervision_reads(fishdet_data):
    root = fishdet_data / "aquarium_yolo"
    found, _ = recognise(root)
    converted = found.read(root, Options())
    theirs = supervision.DetectionDataset.from_yolo(
        images_directory_path=str(root / "valid" / "images"),
        annotations_directory_path=str(root / "valid" / "labels"),
        data_yaml_path=str(root / "data.yaml"),
    )
    table = converted.parts["val"].annotations
    assert table.classes == tuple(theirs.classes)
    assert (table.num_images, converted.boxes_out) == (len(theirs), converted.boxes_in)
    by_name = {Path(path).name: boxes for path, _, boxes in theirs}
    for row, name in enumerate(table.file_names):
        mine = table.bboxes[table.boxes_of(row)]
        corners = np.concatenate([mine[:, :2], mine[:, :2] + mine[:, 2:]], axis=1)
        np.testing.assert_allclose(corners, by_name[name].xyxy.reshape(-1, 4), atol=0.01)
        assert table.labels[table.boxes_of(row)].tolist() == by_name[name].class_id.tolist()
    lines = [p.read_text().split("\n") for p in (root / "valid" / "labels").glob("*.txt")]
    assert converted.boxes_in == sum(1 for text in lines for line in text if line.strip())
