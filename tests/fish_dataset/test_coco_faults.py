"""Each fault alone: what is refused with which words, and what is repaired to which values."""

from __future__ import annotations

import json
import unicodedata

import numpy as np
import pytest

from fish_dataset import FishDataError, read_classes, read_coco
from fish_dataset.findings import count_findings


def refused(path, **options) -> tuple[str, dict[str, int]]:
    with pytest.raises(FishDataError) as caught:
        read_coco(path, **options)
    return str(caught.value), count_findings(caught.value.findings)


def repaired(path, **options):
    annotations, findings = read_coco(path, **options)
    assert all(finding.severity != "error" for finding in findings)
    return annotations, count_findings(findings)


def test_a_sound_file_has_no_finding(document, write):
    annotations, findings = read_coco(write(document))
    assert findings == []
    assert annotations.classes == ("eel", "salmon")
    assert annotations.box_ids.tolist() == [1, 3, 2]  # by image
    assert annotations.box_image.tolist() == [0, 0, 1]
    assert annotations.labels.tolist() == [0, 1, 1]
    assert annotations.bboxes[1].tolist() == [40, 20, 20, 20]
    assert annotations.areas.tolist() == [200, 400, 360]


# ---- the file itself


def test_missing_file_folder_and_empty_file(tmp_path):
    assert "no such annotation file" in refused(tmp_path / "none.json")[0]
    assert "is a folder" in refused(tmp_path)[0]
    (tmp_path / "empty.json").write_text(" \n")
    assert "empty" in refused(tmp_path / "empty.json")[0]


def test_a_cut_file_says_where_it_ends(document, tmp_path):
    text = json.dumps(document, indent=1)
    path = tmp_path / "cut.json"
    path.write_text(text[:200])
    message, _ = refused(path)
    lines = text[:200].split("\n")
    assert "cut short" in message
    assert f"line {len(lines)}, column {len(lines[-1]) + 1}, byte 200 of 200" in message


def test_bytes_are_counted_not_characters(tmp_path):
    path = tmp_path / "ko.json"
    path.write_text('{"연어": [1, }', encoding="utf-8")
    assert "column 12, byte 15 of 16" in refused(path)[0]


def test_encodings(document, tmp_path):
    document["categories"][0]["name"] = "연어"
    text = json.dumps(document, ensure_ascii=False)
    path = tmp_path / "train.json"
    path.write_text(text, encoding="utf-8-sig")
    assert read_coco(path)[0].classes == ("연어", "salmon")
    path.write_text(text, encoding="cp949")
    message, _ = refused(path)
    assert f"byte {text.encode('cp949').index('연어'.encode('cp949'))} " in message
    assert "UTF-8" in message
    path.write_text(text, encoding="utf-16")
    assert "UTF-16" in refused(path)[0]


@pytest.mark.parametrize("key", ["images", "annotations", "categories"])
def test_top_level_lists(document, write, key):
    without = {name: value for name, value in document.items() if name != key}
    assert repr(key) in refused(write(without))[0]
    assert "not a list" in refused(write({**document, key: {}}))[0]
    message, counts = refused(write({**document, key: [document[key][0], 5, "x"]}))
    assert counts == {"not-an-object": 2}
    assert f"{key}[1]" in message
    assert "not a COCO object" in refused(write([document]))[0]


# ---- images


def test_image_ids_of_any_kind_become_integers_from_1(document, write):
    for image, new in zip(document["images"], ("x9", "a", "7"), strict=True):
        image["id"] = new
    for box, new in zip(document["annotations"], ("x9", "a", "x9"), strict=True):
        box["image_id"] = new
    annotations, counts = repaired(write(document))
    assert counts == {"image-id-renumbered": 3}
    assert annotations.image_ids.tolist() == [1, 2, 3]
    assert list(annotations.image_meta["source_id"]) == ["x9", "a", "7"]
    assert annotations.box_image.tolist() == [0, 0, 1]


def test_image_ids_from_1_are_kept(document, write):
    document["images"][2]["id"] = 9_000_000_000
    annotations, counts = repaired(write(document))
    assert annotations.image_ids.tolist() == [1, 2, 9_000_000_000]
    assert counts == {}


def test_text_and_number_ids_are_matched(document, write):
    document["annotations"][0]["image_id"] = "1"
    document["annotations"][1]["category_id"] = "2"
    annotations, counts = repaired(write(document))
    assert counts == {"reference-kind": 2}
    assert annotations.labels.tolist() == [0, 1, 1]


def test_duplicate_and_missing_image_ids(document, write):
    document["images"][2]["id"] = 1
    assert refused(write(document))[1] == {"image-id-duplicate": 1}
    for wrong in (None, [1], True, 1.5):
        document["images"][2]["id"] = wrong
        assert refused(write(document))[1] == {"image-id": 1}


def test_file_names(document, write):
    document["images"][0]["file_name"] = "day1\\a.png"
    annotations, counts = repaired(write(document))
    assert counts == {"image-path-backslash": 1}
    assert annotations.file_names[0] == "day1/a.png"
    document["images"][1]["file_name"] = "day1/a.png"
    del document["images"][2]["file_name"]
    message, counts = refused(write(document))
    assert counts == {"image-file-name": 1, "image-file-duplicate": 1}
    assert "images[1].file_name: day1/a.png" in message


def test_pictures_are_looked_for(document, write, draw, tmp_path):
    folder = draw(tmp_path / "images", ["a.png", "b.png"])
    message, counts = refused(write(document), image_dir=folder)
    assert counts == {"image-file-missing": 1}
    assert str(folder / "c.png") in message
    assert read_coco(write(document), image_dir=folder, check_images=False)[0].num_images == 3
    draw(folder, ["c.png"])
    assert repaired(write(document), image_dir=folder)[1] == {}


def test_a_wrong_image_folder_is_named_once(document, write, draw, tmp_path):
    folder = draw(tmp_path / "other", ["z.png"])
    message, counts = refused(write(document), image_dir=folder)
    assert counts == {"image-folder": 3}
    assert f"{folder} holds 1 entries (z.png)" in message
    message, counts = refused(write(document), image_dir=tmp_path / "none")
    assert f"{tmp_path / 'none'} does not exist" in message


def test_case_and_unicode_form_of_file_names_are_taken_from_disk(document, write, draw, tmp_path):
    decomposed = unicodedata.normalize("NFD", "연어.png")
    folder = draw(tmp_path / "images", ["a.PNG", decomposed, "c.png"])
    document["images"][1]["file_name"] = "연어.png"
    annotations, counts = repaired(write(document), image_dir=folder)
    assert counts == {"image-file-respelled": 2}
    assert list(annotations.file_names) == ["a.PNG", decomposed, "c.png"]


@pytest.mark.parametrize("odd", ["images/", "train/", "images/train/", "C:\\photos\\"])
@pytest.mark.parametrize("folder", ["images", "train", "images/train"])
def test_one_odd_name_among_plain_ones_is_found(document, write, draw, tmp_path, odd, folder):
    folder = draw(tmp_path / folder, ["a.png", "b.png", "c.png"])
    document["images"][1]["file_name"] = odd + "b.png"
    annotations, counts = repaired(write(document), image_dir=folder)
    assert counts.pop("image-path-backslash", 0) == int("\\" in odd)
    assert counts == {"image-file-respelled": 1}
    assert list(annotations.file_names) == ["a.png", "b.png", "c.png"]


def test_a_picture_of_a_folder_that_is_there_is_not_looked_for_above_it(
    document, write, draw, tmp_path
):
    folder = draw(tmp_path / "images", ["a.png", "b.png", "c.png", "dive1/c.png"])
    document["images"][1]["file_name"] = "dive1/b.png"
    assert refused(write(document), image_dir=folder)[1] == {"image-file-missing": 1}


def test_absolute_names_and_subfolders(document, write, draw, tmp_path):
    draw(tmp_path / "far", ["a.png"])
    folder = draw(tmp_path / "images", ["day 1/b.png", "c.png"])
    document["images"][0]["file_name"] = str(tmp_path / "far" / "a.png")
    document["images"][1]["file_name"] = "day 1/b.png"
    assert repaired(write(document), image_dir=folder)[1] == {}


@pytest.mark.parametrize("wrong", [None, 0, -3, "64", 1.5, True, 2**40, float("nan")])
def test_sizes_are_read_from_the_picture(document, write, draw, tmp_path, wrong):
    document["images"][1]["width"] = wrong
    assert refused(write(document))[1] == {"image-size": 1}
    folder = draw(tmp_path / "images", ["a.png", "b.png", "c.png"])
    annotations, counts = repaired(write(document), image_dir=folder)
    assert counts == {"image-size-read": 1}
    assert annotations.widths.tolist() == [64, 64, 64]
    (folder / "b.png").write_bytes(b"no picture")
    assert refused(write(document), image_dir=folder)[1] == {"image-size": 1}


def test_a_picture_turned_by_exif_has_the_size_that_opencv_sees(document, write, tmp_path):
    import cv2
    from PIL import Image

    folder = tmp_path / "images"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        Image.new("RGB", (48, 64)).save(folder / name, exif=exif)
    for image in document["images"]:
        image["file_name"] = image["file_name"].replace("png", "jpg")
        del image["width"]
    annotations, _ = read_coco(write(document), image_dir=folder)
    height, width = cv2.imread(str(folder / "a.jpg")).shape[:2]
    assert (annotations.widths[0], annotations.heights[0]) == (width, height) == (64, 48)


def test_site_video_and_frame_are_kept(document, write):
    document["images"][0].update(site="reef", video="dive 3", frame=0, other=1)
    annotations, _ = read_coco(write(document))
    assert set(annotations.image_meta) == {"site", "video", "frame"}
    assert list(annotations.image_meta["frame"]) == ["0", "", ""]


# ---- annotations and boxes


@pytest.mark.parametrize("ids", [[0, 1, 2], [-1, 1, 2], ["a", "b", 3], [None, 1, 2], [2**70, 1, 2]])
def test_annotation_ids_are_renumbered_from_1(document, write, ids):
    for box, new in zip(document["annotations"], ids, strict=True):
        box["id"] = new
    annotations, counts = repaired(write(document))
    assert sorted(annotations.box_ids) == [1, 2, 3]
    assert counts == {"annotation-id-renumbered": 3}


def test_duplicate_annotation_ids_are_renumbered_and_counted(document, write):
    document["annotations"][1]["id"] = document["annotations"][2]["id"] = 1
    annotations, counts = repaired(write(document))
    assert sorted(annotations.box_ids) == [1, 2, 3]
    assert counts == {"annotation-id-duplicate": 2}


def test_unknown_references(document, write):
    document["annotations"][0]["image_id"] = 77
    document["annotations"][1]["category_id"] = 5
    del document["annotations"][2]["image_id"]
    message, counts = refused(write(document))
    assert counts == {"unknown-image": 2, "unknown-category": 1}
    assert "annotations[0].image_id: 77" in message


BAD_BOXES = [
    ([1, 2, 3], "box-format"),
    (None, "box-format"),
    (["1", "2", "3", "4"], "box-format"),
    ([1, 2, None, 4], "box-format"),
    ("1 2 3 4", "box-format"),
    ([True, 2, 3, 4], "box-format"),
    ({"x": 1}, "box-format"),
    ([1, 2, float("nan"), 4], "box-not-finite"),
    ([float("inf"), 2, 3, 4], "box-not-finite"),
    ([10, 10, -3, 4], "box-negative"),
    ([10, 10, 0, 4], "box-no-size"),
    ([10, 10, 4, 0.001], "box-no-size"),
    ([64, 10, 4, 4], "box-outside"),
    ([-4, 10, 4, 4], "box-outside"),
    ([10, 1e300, 4, 4], "box-outside"),
]


@pytest.mark.parametrize(("bbox", "rule"), BAD_BOXES)
def test_boxes_that_are_refused(document, write, bbox, rule):
    document["annotations"][1]["bbox"] = bbox
    message, counts = refused(write(document))
    assert counts == {rule: 1}
    assert "annotations[1].bbox" in message


def test_a_missing_box_is_refused(document, write):
    del document["annotations"][0]["bbox"]
    assert refused(write(document))[1] == {"box-format": 1}


@pytest.mark.parametrize(
    ("bbox", "kept", "counted"),
    [
        ([-2, 5, 12, 10], [0, 5, 10, 10], 1),
        ([60, 40, 10, 20], [60, 40, 4, 8], 1),
        ([-5, -5, 1e300, 1e300], [0, 0, 64, 48], 1),
        ([54, 10, 10.0001, 5], [54, 10, 10, 5], 0),
    ],
)
def test_boxes_over_the_edge_are_cut(document, write, bbox, kept, counted):
    document["annotations"][0].update(bbox=bbox, area=bbox[2] * bbox[3])
    annotations, counts = repaired(write(document))
    assert annotations.bboxes[0].tolist() == pytest.approx(kept)
    assert counts.get("box-clipped", 0) == counted
    assert annotations.areas[0] == pytest.approx(kept[2] * kept[3])


def test_a_thin_box_is_kept_and_told(document, write):
    document["annotations"][0]["bbox"] = [10, 10, 0.6, 5]
    annotations, counts = repaired(write(document))
    assert counts == {"box-tiny": 1}
    assert annotations.bboxes[0, 2] == np.float32(0.6)


@pytest.mark.parametrize("area", [None, 0, -1, float("nan"), float("inf"), "200", True])
def test_area_is_computed(document, write, area):
    document["annotations"][0]["area"] = area
    annotations, counts = repaired(write(document))
    assert counts == {"area-computed": 1}
    assert annotations.areas[0] == 200


def test_area_of_a_mask_is_kept(document, write):
    document["annotations"][0]["area"] = 123.5
    annotations, counts = repaired(write(document))
    assert counts == {}
    assert annotations.areas[0] == 123.5


@pytest.mark.parametrize(("value", "flag"), [(1, True), (True, True), (0, False), (None, False)])
def test_flags(document, write, value, flag):
    document["annotations"][0].update(iscrowd=value, ignore=value)
    annotations, counts = repaired(write(document))
    assert counts == {}
    assert (annotations.crowd[0], annotations.ignore[0]) == (flag, flag)
    assert not annotations.crowd[1:].any()


@pytest.mark.parametrize("value", [2, -1, "1", 0.5, []])
def test_flags_that_are_refused(document, write, value):
    document["annotations"][0]["iscrowd"] = value
    assert refused(write(document))[1] == {"flag": 1}


def test_corner_boxes_are_recognised(document, write):
    corners = [[5 + i, 4 + i, 45 + i, 40 + i] for i in range(8)] + [[30, 20, 50, 45]] * 4
    document["annotations"] = [
        {"id": i, "image_id": 1, "category_id": 1, "bbox": box}
        for i, box in enumerate(corners, start=1)
    ]
    assert refused(write(document))[1] == {"boxes-xyxy": 1}


def test_fractions_are_recognised(document, write):
    for box in document["annotations"]:
        box["bbox"] = [0.1, 0.2, 0.5, 0.5]
    assert refused(write(document))[1] == {"boxes-normalised": 1}


def test_a_file_without_boxes_or_images(document, write):
    annotations, counts = repaired(write({**document, "annotations": []}))
    assert counts == {"no-boxes": 1}
    assert annotations.bboxes.shape == (0, 4)
    assert refused(write({**document, "images": [], "annotations": []}))[1] == {"no-images": 1}


def test_every_problem_is_listed_the_first_20_of_each_kind(document, write):
    document["annotations"] = [
        {"id": i, "image_id": 1, "category_id": 1, "bbox": [1, 1, -i, 5]} for i in range(1, 31)
    ] + [{"id": 99, "image_id": 50, "category_id": 1, "bbox": [1, 1, 5, 5]}]
    message, counts = refused(write(document))
    assert counts == {"box-negative": 30, "unknown-image": 1}
    assert "31 faults" in message
    assert "box-negative (30)" in message
    assert "annotations[19].bbox" in message
    assert "annotations[20].bbox" not in message
    assert "… and 10 more" in message
    assert "xyxy" not in message
    assert "[x1, y1, x2, y2]" in message


# ---- classes


def test_order_is_by_id_not_by_place(document, write):
    document["categories"].reverse()
    assert read_classes(write(document)) == ("eel", "salmon")
    document["categories"] = [{"id": 10, "name": "salmon"}, {"id": 9, "name": "eel"}]
    assert read_classes(write(document)) == ("eel", "salmon")
    document["categories"] = [{"id": "b", "name": "salmon"}, {"id": "a", "name": "eel"}]
    assert read_classes(write(document)) == ("salmon", "eel")


def test_given_classes_set_the_order(document, write):
    annotations, _ = read_coco(write(document), classes=["salmon", "eel"])
    assert annotations.classes == ("salmon", "eel")
    assert annotations.labels.tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["eel", "salmon", "tuna"], ["missing in the file: 'tuna'"]),
        (["eel"], ["unknown in the file: 'salmon'"]),
        (["eel", "Salmon"], ["'salmon' looks like 'Salmon' (upper and lower case)"]),
        (["eel ", "salmon"], ["'eel' looks like 'eel ' (spaces"]),
        (["eel", "salomn"], ["'salmon' looks like 'salomn'"]),
    ],
)
def test_another_set_of_classes_prints_both_lists(document, write, given, words):
    message, counts = refused(write(document), classes=given)
    assert counts == {"class-set": 1}
    assert ", ".join(map(repr, given)) in message
    assert "'eel', 'salmon'" in message
    for word in words:
        assert word in message


def test_unicode_forms_of_a_name_are_told_apart(document, write):
    document["categories"][0]["name"] = unicodedata.normalize("NFD", "연어")
    message, _ = refused(write(document), classes=["연어", "salmon"])
    assert "NFC, NFD" in message


@pytest.mark.parametrize("given", ["eel", [], ["eel", "eel"], ["eel", 3]])
def test_class_lists_that_are_none(document, write, given):
    assert "classes" in refused(write(document), classes=given)[0]


def test_categories_that_cannot_be_used(document, write):
    for categories, rule in [
        ([], "category-missing"),
        ([{"id": 1, "name": "eel"}, {"id": 1, "name": "salmon"}], "category-id"),
        ([{"id": None, "name": "eel"}, {"id": 2, "name": "salmon"}], "category-id"),
        ([{"id": 1, "name": "eel"}, {"id": 2, "name": "eel"}], "category-name"),
        ([{"id": 1, "name": " "}, {"id": 2, "name": "eel"}], "category-name"),
        ([{"id": 1}, {"id": 2, "name": "eel"}], "category-name"),
        ([{"id": 1, "name": 5}, {"id": 2, "name": "eel"}], "category-name"),
    ]:
        assert rule in refused(write({**document, "categories": categories}))[1]


def test_lookalike_classes_in_one_file_are_told(document, write):
    document["categories"][1]["name"] = "Eel"
    assert repaired(write(document))[1] == {"category-lookalike": 1}


def roboflow(document, dummy="fish", **changes):
    for category in document["categories"]:
        category["supercategory"] = dummy
    document["categories"].insert(0, {"id": 0, "name": dummy, "supercategory": "none", **changes})
    return document


def test_roboflows_dummy_category_is_left_out(document, write):
    annotations, counts = repaired(write(roboflow(document)))
    assert annotations.classes == ("eel", "salmon")
    assert annotations.labels.tolist() == [0, 1, 1]
    assert counts == {"category-dummy": 1}
    path = write(document)
    assert read_coco(path, classes=["eel", "salmon"])[0].classes == ("eel", "salmon")
    assert read_coco(path, drop_dummy=False)[0].classes == ("fish", "eel", "salmon")
    assert read_coco(path, classes=["fish", "eel", "salmon"])[0].labels.tolist() == [1, 2, 2]


def test_a_dummy_of_the_name_of_a_class_is_left_out(document, write):
    document["categories"] = [{"id": 1, "name": "fish"}]
    for box in document["annotations"]:
        box["category_id"] = 1
    path = write(roboflow(document))
    assert read_coco(path)[0].classes == ("fish",)
    assert read_coco(path, classes=["fish"])[0].classes == ("fish",)


def test_a_category_0_with_boxes_is_a_class(document, write):
    document["annotations"][0]["category_id"] = 0
    annotations, counts = repaired(write(roboflow(document)))
    assert annotations.classes == ("fish", "eel", "salmon")
    assert counts == {}
