"""Writing and reading back, cut and spoiled files, and the real sets."""

from __future__ import annotations

import json
import os

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fish_dataset import (
    Annotations,
    FishDataError,
    coco_dict,
    find_splits,
    read_classes,
    read_coco,
    write_coco,
)
from fish_dataset.coco import short_floats

NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="\\/"),
    min_size=1,
    max_size=8,
)
REUSE = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def annotations_values(draw) -> Annotations:
    """Any Annotations without faults: boxes in their pictures and at least one pixel wide."""
    classes = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    names = draw(st.lists(NAMES, min_size=1, max_size=6, unique=True))
    count = len(names)
    sizes = draw(st.lists(st.integers(2, 4000), min_size=2 * count, max_size=2 * count))
    widths, heights = np.array(sizes[:count]), np.array(sizes[count:])
    ids = st.integers(1, 2**62)
    image_ids = draw(st.lists(ids, min_size=count, max_size=count, unique=True))
    rows = np.array(sorted(draw(st.lists(st.integers(0, count - 1), max_size=8))), dtype=np.int64)
    boxes = len(rows)
    fraction = st.floats(0, 1, width=32)
    parts = draw(st.lists(st.tuples(*[fraction] * 4), min_size=boxes, max_size=boxes))
    parts = np.array(parts, dtype=np.float64).reshape(-1, 4)
    limits = np.stack([widths, heights], axis=1)[rows].reshape(-1, 2)
    sides = np.floor((1 + parts[:, 2:] * (limits - 1)) * 4) / 4  # quarters are exact in float32
    corners = np.floor(parts[:, :2] * (limits - sides) * 4) / 4
    # boxes that all lie between 0 and 1 are refused as fractions of the picture
    assume(not boxes or max(corners.max(), sides.max()) > 1)
    flags = draw(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=boxes, max_size=boxes))
    flags = np.array(flags, dtype=bool).reshape(-1, 2)
    labels = st.integers(0, len(classes) - 1)
    meta = draw(st.lists(st.text("ab07", max_size=3), min_size=count, max_size=count))
    return Annotations(
        classes=classes,
        image_ids=image_ids,
        file_names=names,
        widths=widths,
        heights=heights,
        box_ids=draw(st.lists(ids, min_size=boxes, max_size=boxes, unique=True)),
        box_image=rows,
        bboxes=np.concatenate([corners, sides], axis=1),
        labels=draw(st.lists(labels, min_size=boxes, max_size=boxes)),
        crowd=flags[:, 0],
        ignore=flags[:, 1],
        areas=sides.prod(axis=1),
        image_meta={"site": meta, "frame": meta} if any(meta) else {},
    )


@REUSE
@given(annotations_values())
def test_what_is_written_is_read_back(tmp_path, annotations):
    path = tmp_path / "out.json"
    write_coco(annotations, path)
    again, findings = read_coco(path)
    assert again.equals(annotations)
    assert {finding.severity for finding in findings} <= {"warning"}
    assert read_classes(path) == annotations.classes
    assert os.listdir(tmp_path) == ["out.json"]


def test_pycocotools_reads_what_is_written(document, write, tmp_path):
    from pycocotools.coco import COCO

    annotations, _ = read_coco(write(document))
    write_coco(annotations, tmp_path / "out.json")
    coco = COCO(str(tmp_path / "out.json"))
    assert coco.loadCats([1, 2]) == [{"id": 1, "name": "eel"}, {"id": 2, "name": "salmon"}]
    assert coco.loadAnns(coco.getAnnIds(imgIds=[2])) == [
        {
            "id": 2,
            "image_id": 2,
            "category_id": 2,
            "bbox": [30, 8, 12, 30],
            "area": 360,
            "iscrowd": 0,
        }
    ]


def test_decimals_stay_as_people_wrote_them():
    values = np.array([163.12, 0.1, 49.69, 1e-7, 16777216, 0, 0.333333], dtype=np.float32)
    assert short_floats(values).tolist() == [163.12, 0.1, 49.69, 1e-7, 16777216, 0, 0.333333]
    odd = np.random.default_rng(0).random(1000, dtype=np.float32) * 1e-6
    assert np.array_equal(short_floats(odd).astype(np.float32), odd)


def test_frames_are_written_as_numbers_and_absent_meta_not_at_all(document, write):
    document["images"][0].update(frame=12, site="reef")
    images = coco_dict(read_coco(write(document))[0])["images"]
    assert images[0]["frame"] == 12
    assert images[0]["site"] == "reef"
    assert "frame" not in images[1]


def test_a_file_that_cannot_be_written(document, write, tmp_path):
    annotations, _ = read_coco(write(document))
    with pytest.raises(FishDataError, match="cannot be written"):
        write_coco(annotations, tmp_path / "none" / "out.json")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(FishDataError, match="cannot be written"):
        write_coco(annotations, tmp_path / "folder.json")
    assert sorted(os.listdir(tmp_path)) == ["folder.json", "train.json"]


@REUSE
@given(st.data())
def test_cut_or_spoiled_files_give_only_our_error(document, tmp_path, data):
    document["images"][0]["file_name"] = "연어.png"
    whole = json.dumps(document, ensure_ascii=data.draw(st.booleans())).encode()
    place = data.draw(st.integers(0, len(whole) - 1))
    spoiled = data.draw(
        st.sampled_from(
            [
                whole[:place],
                whole[:place] + b"\xff" + whole[place:],
                whole[:place] + b"NaN" + whole[place + 1 :],
                whole[place:],
            ]
        )
    )
    path = tmp_path / "train.json"
    path.write_bytes(spoiled)
    try:
        annotations, _ = read_coco(path)
    except FishDataError as error:
        assert str(path) in str(error)
    else:  # a change that left it valid
        assert annotations.num_images


JSON_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.integers(), max_size=4),
    st.just({}),
)


@settings(REUSE, max_examples=200)
@given(st.data())
def test_any_value_in_any_field_gives_only_our_error(document, tmp_path, data):
    entries = document[data.draw(st.sampled_from(sorted(document)))]
    entry = data.draw(st.sampled_from(entries))
    entry[data.draw(st.sampled_from(sorted(entry)))] = data.draw(JSON_VALUES)
    path = tmp_path / "train.json"
    path.write_text(json.dumps(document))
    try:
        annotations, findings = read_coco(path)
    except FishDataError as error:
        assert "→" in str(error) or "surrogate" in str(error) or "valid JSON" in str(error)
        return
    assert annotations.num_boxes == 3
    right = annotations.bboxes[:, :2] + annotations.bboxes[:, 2:]
    assert (right[:, 0] <= annotations.widths[annotations.box_image] + 1e-3).all()
    assert (right[:, 1] <= annotations.heights[annotations.box_image] + 1e-3).all()
    assert all(finding.severity != "error" for finding in findings)


REAL = [
    ("aquarium", "train"),
    ("aquarium", "val"),
    ("deepfish", "train"),
    ("deepfish", "val"),
    ("deepfish", "train_random"),
    ("deepfish", "val_random"),
]


@pytest.mark.parametrize(("folder", "name"), REAL)
def test_real_sets_load_whole(fishdet_data, folder, name):
    path = fishdet_data / folder / f"{name}.json"
    truth = msgspec.json.decode(path.read_bytes())
    annotations, findings = read_coco(path, image_dir=fishdet_data / folder / "images")
    assert annotations.num_images == len(truth["images"])
    assert annotations.num_boxes == len(truth["annotations"])
    assert annotations.classes == tuple(category["name"] for category in truth["categories"])
    per_class = np.bincount([box["category_id"] - 1 for box in truth["annotations"]], minlength=6)
    assert annotations.boxes_per_class().tolist() == per_class.tolist()
    boxes = {box["id"]: box for box in truth["annotations"]}
    for row in range(annotations.num_boxes):
        box = boxes[int(annotations.box_ids[row])]
        assert box["image_id"] == annotations.image_ids[annotations.box_image[row]]
        assert annotations.bboxes[row] == pytest.approx(box["bbox"], abs=1e-3)
    assert {finding.rule for finding in findings} <= {"box-tiny", "box-clipped"}


def test_real_folders_hold_their_splits(fishdet_data):
    for folder in ("aquarium", "deepfish"):
        splits = find_splits(fishdet_data / folder)
        assert list(splits) == ["train", "val"]
        assert splits["val"].image_dir == fishdet_data / folder / "images"
    with pytest.raises(FishDataError, match=r"data\.yaml \(YOLO\)"):
        find_splits(fishdet_data / "aquarium_yolo")


@pytest.mark.parametrize("piece", [1, 2, 1000])
def test_a_file_in_pieces_is_the_document(document, write, tmp_path, monkeypatch, piece):
    annotations, _ = read_coco(write(document))
    monkeypatch.setattr("fish_dataset.coco._PIECE", piece)
    write_coco(annotations, tmp_path / "pieces.json")
    assert json.loads((tmp_path / "pieces.json").read_text()) == coco_dict(annotations)
