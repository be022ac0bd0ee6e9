"""``--fix``: what is mended, how it is listed, and that the copy is clean of it."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fish_dataset import FishDataError
from fish_dataset.folder import read_folder
from fish_dataset.validation.repair import repair
from fish_dataset.validation.repairing.boxes import turned
from fish_dataset.validation.run import validate

MENDED = (
    "picture-unreadable",
    "picture-turned",
    "picture-size",
    "picture-copy",
    "picture-leak",
    "image-file-missing",
    "box-duplicate",
    "box-outside",
    "box-no-size",
    "box-not-finite",
    "unknown-category",
    "category-lookalike",
    "class-synonym",
    "class-set",
)


def fixed(root: Path, out: Path):
    repair(validate(root, progress=False), out)
    return validate(out, progress=False), json.loads((out / "changes.json").read_text())


def test_a_repaired_copy_is_clean_of_what_was_mended(planted, tmp_path):
    before = sorted(path.name for path in planted.root.rglob("*"))
    report, changes = fixed(planted.root, tmp_path / "out")
    assert sorted(path.name for path in planted.root.rglob("*")) == before
    assert not set(MENDED) & set(report.counts())
    # What is left as an error needs a new split, which is not for a repair to make.
    assert {f.rule for f in report.findings if f.severity == "error"} == {"group-leak"}
    listed = {change["rule"] for change in changes["changes"]}
    assert listed >= set(MENDED) - {"class-set"}
    assert changes["total"] == len(changes["changes"])
    for rule in ("picture-unreadable", "image-file-missing", "picture-copy"):
        names = {c["place"] for c in changes["changes"] if c["rule"] == rule}
        assert names & set(planted.faults[rule])


def test_pictures_leave_train_and_stay_in_val(planted, tmp_path):
    fixed(planted.root, tmp_path / "out")
    parts = read_folder(tmp_path / "out")
    copy, original = planted.faults["picture-leak"]
    assert copy in list(parts["val"].annotations.file_names)
    assert original not in list(parts["train"].annotations.file_names)


def test_classes_become_one_spelling(planted, tmp_path):
    fixed(planted.root, tmp_path / "out")
    parts = read_folder(tmp_path / "out")
    assert parts["train"].annotations.classes == parts["val"].annotations.classes
    assert set(parts["train"].annotations.classes) == {"fish", "shark", "Mackerel"}


def test_a_clean_set_is_copied_as_it_is(clean, tmp_path):
    _, changes = fixed(clean, tmp_path / "out")
    assert changes["changes"] == []
    new, old = read_folder(tmp_path / "out"), read_folder(clean)
    for split, part in old.items():
        assert new[split].annotations.equals(part.annotations)


def one_picture(root: Path, image: dict, boxes: list[dict], pixels: bytes) -> Path:
    """A data folder with one picture, a.jpg, in train.json."""
    (root / "images").mkdir(parents=True)
    (root / "images" / "a.jpg").write_bytes(pixels)
    entries = [
        {"id": number, "image_id": 1, "category_id": 1, "iscrowd": 0, **box}
        for number, box in enumerate(boxes, 1)
    ]
    document = {
        "images": [{"id": 1, "file_name": "a.jpg", **image}],
        "annotations": entries,
        "categories": [{"id": 1, "name": "eel"}],
    }
    (root / "train.json").write_text(json.dumps(document))
    return root


def marked(orientation: int) -> tuple[bytes, list[float]]:
    """A dark JPEG of 96 × 64 with a bright rectangle, its Exif tag, and the rectangle as stored."""
    pixels = np.full((64, 96, 3), 20, np.uint8)
    pixels[8:24, 16:48] = 230
    image = Image.fromarray(pixels)
    exif = image.getexif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=95, exif=exif)
    return stream.getvalue(), [16, 8, 32, 16]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_turn_as_opencv_turns_pixels(orientation):
    data, box = marked(orientation)
    seen = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    rows, columns = np.nonzero(seen > 128)
    expected = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
    result = turned(np.array([box], dtype=np.float64), orientation, 96, 64)
    assert np.abs(result[0] - expected).max() <= 1


@pytest.mark.parametrize("orientation", range(5, 9))
def test_size_and_boxes_follow_the_exif_tag(tmp_path, orientation):
    data, box = marked(orientation)
    image = {"width": 96, "height": 64}
    root = one_picture(tmp_path / "set", image, [{"bbox": box, "area": 300}], data)
    report, changes = fixed(root, tmp_path / "out")
    assert "picture-turned" not in report.counts()
    part = read_folder(tmp_path / "out")["train"].annotations
    assert (part.widths.tolist(), part.heights.tolist()) == ([64], [96])
    seen = cv2.imread(str(tmp_path / "out" / "images" / "a.jpg"), cv2.IMREAD_GRAYSCALE)
    x, y, w, h = part.bboxes[0].astype(int)
    assert seen[y + 1 : y + h - 1, x + 1 : x + w - 1].min() > 128
    assert part.areas.tolist() == [300]
    assert [c["rule"] for c in changes["changes"]] == ["picture-turned"]


def test_boxes_that_were_turned_already_stay(tmp_path):
    data, _ = marked(6)
    box = [30, 70, 20, 20]  # beyond the 64 rows of the stored picture
    image = {"width": 96, "height": 64}
    root = one_picture(tmp_path / "set", image, [{"bbox": box}], data)
    fixed(root, tmp_path / "out")
    assert read_folder(tmp_path / "out")["train"].annotations.bboxes.tolist() == [box]


@pytest.mark.parametrize(
    ("size", "box", "expected"),
    [
        ((48, 32), [8, 4, 16, 8], [[16, 8, 32, 16]]),  # half as large: boxes are scaled
        ((64, 96), [16, 8, 32, 16], [[16, 8, 32, 16]]),  # swapped: the box is right
        ((50, 50), [16, 8, 32, 16], []),  # of another shape: nobody knows
    ],
)
def test_sizes_that_disagree(tmp_path, size, box, expected):
    data, _ = marked(1)
    image = {"width": size[0], "height": size[1]}
    good = {"bbox": box, "area": 100}
    root = one_picture(tmp_path / "set", image, [good], data)
    if expected:
        report, changes = fixed(root, tmp_path / "out")
        part = read_folder(tmp_path / "out")["train"].annotations
        assert part.bboxes.tolist() == expected and part.widths.tolist() == [96]
        assert part.areas.tolist() == [400 if size == (48, 32) else 100]
        assert "picture-size" not in report.counts()
    else:
        changes = repair(validate(root, progress=False), tmp_path / "out")
        assert "left out" in changes.entries[0].action


def test_entries_for_one_file_are_joined(tmp_path):
    data, box = marked(1)
    root = one_picture(tmp_path / "set", {"width": 96, "height": 64}, [{"bbox": box}], data)
    document = json.loads((root / "train.json").read_text())
    document["images"].append({**document["images"][0], "id": 2})
    for number, bbox in ((2, [60, 40, 20, 20]), (3, box)):
        entry = {"id": number, "image_id": 2, "category_id": 1, "bbox": bbox}
        document["annotations"].append(entry)
    (root / "train.json").write_text(json.dumps(document))
    _, changes = fixed(root, tmp_path / "out")
    part = read_folder(tmp_path / "out")["train"].annotations
    assert part.num_images == 1 and part.bboxes.tolist() == [box, [60, 40, 20, 20]]
    rules = [change["rule"] for change in changes["changes"]]
    assert rules == ["area-computed"] * 3 + ["image-file-duplicate", "box-duplicate"]


def test_of_two_copies_the_one_with_most_boxes_stays(tmp_path):
    data, box = marked(1)
    root = one_picture(tmp_path / "set", {"width": 96, "height": 64}, [{"bbox": box}], data)
    document = json.loads((root / "train.json").read_text())
    (root / "images" / "0.jpg").write_bytes(data)
    document["images"].insert(0, {"id": 2, "file_name": "0.jpg", "width": 96, "height": 64})
    (root / "train.json").write_text(json.dumps(document))
    fixed(root, tmp_path / "out")
    part = read_folder(tmp_path / "out")["train"].annotations
    assert list(part.file_names) == ["a.jpg"] and part.num_boxes == 1


def test_corners_become_boxes(clean, tmp_path):
    root = tmp_path / "set"
    shutil.copytree(clean, root)
    document = json.loads((root / "val.json").read_text())
    for entry in document["annotations"]:
        x, y, w, h = entry["bbox"]
        entry["bbox"] = [x, y, x + w, y + h]
    (root / "val.json").write_text(json.dumps(document))
    report, _ = fixed(root, tmp_path / "out")
    assert "boxes-xyxy" not in report.counts()
    new, old = (read_folder(p)["val"].annotations for p in (tmp_path / "out", clean))
    assert np.allclose(new.bboxes, old.bboxes, atol=1e-3)


def test_two_folders_with_the_same_names(clean, tmp_path):
    """Roboflow's layout may hold another 0.jpg in each split."""
    for number, (split, folder) in enumerate((("train", "train"), ("val", "valid"))):
        document = json.loads((clean / f"{split}.json").read_text())
        document["images"] = document["images"][:1]
        image = document["images"][0]
        document["annotations"] = [
            box for box in document["annotations"] if box["image_id"] == image["id"]
        ]
        target = tmp_path / "set" / folder
        target.mkdir(parents=True)
        shutil.copy(clean / "images" / image["file_name"], target / "0.jpg")
        image.update(file_name="0.jpg", id=number + 1)
        for box in document["annotations"]:
            box["image_id"] = number + 1
        (target / "_annotations.coco.json").write_text(json.dumps(document))
    _, changes = fixed(tmp_path / "set", tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out" / "images").iterdir()) == ["0.jpg", "val_0.jpg"]
    assert [c["rule"] for c in changes["changes"]] == ["image-file-name"]


def test_what_cannot_be_repaired_is_refused(clean, tmp_path):
    report = validate(clean, progress=False)
    with pytest.raises(FishDataError, match="never written to"):
        repair(report, clean / "fixed")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").write_text("")
    with pytest.raises(FishDataError):
        repair(report, tmp_path / "full")
    root = tmp_path / "set"
    shutil.copytree(clean, root)
    for split in ("train", "val"):
        (root / f"{split}.json").write_text("{")
    with pytest.raises(FishDataError, match="nothing to repair"):
        repair(validate(root, progress=False), tmp_path / "out")
    document = json.loads((clean / "val.json").read_text())
    document["categories"][0]["name"] = ""
    (root / "train.json").write_text(json.dumps(document))
    with pytest.raises(FishDataError, match="class list"):
        repair(validate(root, progress=False), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def two_pictures(root: Path, draw, images: list[dict], boxes: list[dict]) -> Path:
    """A data folder with the pictures a.png and b.png of 64 × 48 in images/."""
    draw(root / "images", ["a.png", "b.png"])
    document = {
        "images": [{"width": 64, "height": 48, **image} for image in images],
        "annotations": [
            {"category_id": 1, "bbox": [4, 5, 20, 10], "area": 200, **b} for b in boxes
        ],
        "categories": [{"id": 1, "name": "eel"}],
    }
    (root / "train.json").write_text(json.dumps(document))
    return root


def changed(changes: dict, rule: str) -> list[tuple[str, str]]:
    return [(c["place"], c["detail"]) for c in changes["changes"] if c["rule"] == rule]


def test_new_ids_slashes_and_folders_are_listed(tmp_path, draw):
    root = tmp_path / "set"
    draw(root / "images" / "sub", ["unlisted.png", "unlisted2.png", "c.png"])
    images = [
        {"id": "x", "file_name": "a.png"},
        {"id": "y", "file_name": "images/b.png"},
        {"id": 3, "file_name": "sub\\c.png"},
    ]
    boxes = [{"id": 0, "image_id": "x"}, {"id": 7, "image_id": "y"}]
    boxes += [{"image_id": 3, "area": None}]
    _, changes = fixed(two_pictures(root, draw, images, boxes), tmp_path / "out")
    part = read_folder(tmp_path / "out")["train"].annotations
    assert list(part.file_names) == ["a.png", "b.png", "sub/c.png"] and part.num_boxes == 3
    assert changed(changes, "image-id-renumbered") == [
        ("images[0].id", "x → 1"),
        ("images[1].id", "y → 2"),
    ]
    assert changed(changes, "annotation-id-renumbered") == [
        ("annotations[0].id", "0 → 1"),
        ("annotations[1].id", "7 → 2"),
        ("annotations[2].id", "None → 3"),
    ]
    slashes = [("images[2].file_name", "'sub\\\\c.png' → 'sub/c.png'")]
    assert changed(changes, "image-path-backslash") == slashes
    folder = [("images[1].file_name", "'images/b.png' → 'b.png'")]
    assert changed(changes, "image-file-respelled") == folder
    assert changed(changes, "area-computed") == [("annotations[2].area", "None")]
    assert changes["boxes"] == {"train": {"in": 3, "out": 3, "lost": {}}}


def test_one_picture_under_two_names_keeps_the_boxes_of_both(tmp_path, draw):
    images = [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "images/a.png"}]
    boxes = [{"id": 1, "image_id": 1}, {"id": 2, "image_id": 2, "bbox": [30, 20, 10, 10]}]
    root = two_pictures(tmp_path / "set", draw, images, boxes)
    before = validate(root, progress=False)
    assert before.counts()["image-file-duplicate"] == 1
    fixed(root, tmp_path / "out")
    part = read_folder(tmp_path / "out")["train"].annotations
    assert list(part.file_names) == ["a.png"] and part.num_boxes == 2


def test_every_lost_box_is_listed_with_its_reason(tmp_path, draw):
    images = [
        {"id": 1, "file_name": "a.png", "width": 50, "height": 50},  # of another shape
        {"id": 2, "file_name": "b.png"},
        {"id": 3, "file_name": "none.png"},
        {"id": 4, "file_name": "lost.png", "width": None},
    ]
    counted = {1: 2, 2: 1, 3: 3, 4: 1, 5: 1}  # boxes by image; there is no image 5
    boxes = [
        {"image_id": image, "bbox": [4 + 8 * n, 5, 6, 6]}
        for image, n_boxes in counted.items()
        for n in range(n_boxes)
    ]
    boxes += [{"image_id": 2, "category_id": 9}, {"image_id": 2, "bbox": [400, 0, 5, 5]}]
    root = two_pictures(tmp_path / "set", draw, images, boxes)
    _, changes = fixed(root, tmp_path / "out")
    lost = {
        "picture-size": 2,
        "image-file-missing": 3,
        "image-size": 1,
        "unknown-image": 1,
        "unknown-category": 1,
        "box-outside": 1,
    }
    assert changes["boxes"] == {"train": {"in": 10, "out": 1, "lost": lost}}
    assert "train: 10 boxes in = 1 out + 9 lost" in changes["summary"]


def test_boxes_of_an_id_used_twice_are_not_guessed(tmp_path, draw):
    images = [{"id": 1, "file_name": "a.png"}, {"id": 1, "file_name": "b.png"}]
    root = two_pictures(tmp_path / "set", draw, images, [{"id": 1, "image_id": 1}])
    changes = repair(validate(root, progress=False), tmp_path / "out")
    assert changes.boxes == {"train": {"in": 1, "out": 0}}
    assert changes.lost("train") == {"image-id-duplicate": 1}
