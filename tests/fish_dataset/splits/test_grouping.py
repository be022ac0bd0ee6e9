"""Pictures of one origin are found by metadata, else by their names, by the stated rule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fish_dataset import Annotations, read_coco
from fish_dataset.errors import FishDataError
from fish_dataset.splits.grouping import find_groups, group_keys
from fish_dataset.splits.names import name_keys, split_name, usual_step


def pictures(names, **meta) -> Annotations:
    count = len(names)
    return Annotations(
        classes=("fish",),
        image_ids=np.arange(1, count + 1),
        file_names=names,
        widths=np.full(count, 64),
        heights=np.full(count, 48),
        box_ids=[],
        box_image=[],
        bboxes=np.zeros((0, 4)),
        labels=[],
        crowd=[],
        ignore=[],
        areas=[],
        image_meta=meta,
    )


def as_sets(index) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(index == group).tolist()) for group in np.unique(index)}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "7117_Caranx_sexfasciatus_juvenile_f000263.jpg",
            ("7117_Caranx_sexfasciatus_juvenile", 263),
        ),
        ("IMG_8581_MOV-2.jpg", ("IMG_8581_MOV", 2)),
        ("IMG_2289_jpeg_jpg.rf.fe2a7a149e7b11f2313f5a7b30386e85.jpg", ("", 2289)),
        ("dive3-frame_0042_png.rf.0123456789abcdef0123456789abcdef.jpg", ("dive3", 42)),
        ("train/reef2289.png", ("reef", 2289)),
        ("site A/GOPR0012.JPG", ("site A/GOPR", 12)),
        ("000123.jpg", ("", 123)),
        ("frame.12.png", ("", 12)),
        ("참돔_야간 (3).jpg", ("참돔_야간", 3)),
        ("seabream.jpg", ("seabream", None)),
        ("", ("", None)),
    ],
)
def test_a_name_is_split_into_stem_and_counter(name, expected):
    assert split_name(name) == expected


def test_a_camera_s_shots_go_together_while_they_follow_one_another():
    names = ["IMG_7.jpg", "IMG_9.jpg", "IMG_8.jpg", "IMG_20.jpg", "IMG_21.jpg", "IMG_40.jpg"]
    assert name_keys(names) == ["7…9", "7…9", "7…9", "20…21", "20…21", "40"]


def test_frames_of_a_clip_without_a_name_follow_in_their_usual_step():
    names = [f"{number:06}.png" for number in (0, 30, 60, 400, 430, 460)]
    assert name_keys(names) == ["0…60"] * 3 + ["400…460"] * 3
    assert usual_step([0, 30, 60, 400, 430]) == 30
    assert usual_step([5]) == 1


def test_a_stem_that_all_pictures_share_tells_nothing():
    names = ["reef_1.jpg", "reef_2.jpg", "reef_9.jpg"]
    assert name_keys(names) == ["reef 1…2", "reef 1…2", "reef 9"]
    assert name_keys([*names, "wreck_1.jpg"]) == ["reef"] * 3 + ["wreck"]


def test_file_names_of_a_real_set_give_its_videos(fishdet_data):
    """DeepFish carries the video of each frame, so the guess can be held against the truth."""
    for split in ("train", "val"):
        data, _ = read_coco(fishdet_data / "deepfish" / f"{split}.json", check_images=False)
        by_name, rule = group_keys(data, ["name"])
        by_video, _ = group_keys(data)
        assert as_sets(by_name) == as_sets(by_video)
        assert "→" in rule  # the guess is shown


def test_metadata_comes_first_and_names_fill_its_gaps():
    data = pictures(
        ["a_1.jpg", "a_2.jpg", "b_1.jpg", "b_2.jpg"], video=["v", "w", "", ""], site=["s"] * 4
    )
    groups = find_groups(data)
    assert as_sets(groups.index) == {frozenset({0}), frozenset({1}), frozenset({2, 3})}
    assert "2 pictures without one" in groups.rule
    assert len(groups.names) == 3 and groups.names[0] == "v"
    assert find_groups(data, ["site"]).index.tolist() == [0] * 4
    assert find_groups(data, ["image"]).index.tolist() == [0, 1, 2, 3]


def test_days_folders_and_patterns_in_file_names():
    names = ["cam1/20240105_101500.jpg", "cam2/2024-01-05 x.jpg", "cam2/20240106101500.jpg"]
    data = pictures(names)
    assert find_groups(data, ["day"]).index.tolist() == [0, 0, 1]
    assert find_groups(data, ["folder"]).index.tolist() == [0, 1, 1]
    assert find_groups(data, [r"name=cam(\d)"]).names == ("1", "2")


@pytest.mark.parametrize(
    ("by", "message"),
    [
        (["dive"], "group key 'dive'.*choose of day, folder, image, name or name=REGEX"),
        (["day"], "group key day.*found in no file name; the first is 'a_1.jpg'"),
        (["name=("], "no regular expression"),
        (["name=a"], "round brackets"),
    ],
)
def test_a_key_that_is_not_there_is_refused(by, message):
    with pytest.raises(FishDataError, match=message):
        find_groups(pictures(["a_1.jpg", "b_1.jpg"]), by)


COLUMN = st.lists(st.sampled_from("uvwxyz"), min_size=1, max_size=14)


@given(st.tuples(COLUMN, COLUMN))
@settings(max_examples=80, deadline=None)
def test_pictures_that_share_any_of_several_keys_are_together(columns):
    """Against the transitive closure of "shares a video or a site", by matrix powers."""
    count = min(map(len, columns))
    video, site = (np.array(column[:count]) for column in columns)
    linked = (video[:, None] == video) | (site[:, None] == site)
    closure = np.linalg.matrix_power(linked.astype(float), count) > 0
    data = pictures([f"{i}.jpg" for i in range(count)], video=list(video), site=list(site))
    index = find_groups(data, ["video", "site"]).index
    assert np.array_equal(index[:, None] == index, closure)
    _, first = np.unique(index, return_index=True)
    assert np.array_equal(first, np.sort(first))  # numbered by first appearance


@given(st.lists(st.text(max_size=20), max_size=12))
@settings(max_examples=100, deadline=None)
def test_any_name_has_a_key(names):
    keys = name_keys(names)
    assert len(keys) == len(names)
    assert all(keys[i] == keys[names.index(name)] for i, name in enumerate(names))
