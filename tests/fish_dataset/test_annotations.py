from __future__ import annotations

import copy
import dataclasses
import pickle

import numpy as np
import pytest

from fish_dataset.annotations import Annotations
from fish_dataset.strings import Strings


def make(**changes) -> Annotations:
    columns = {
        "classes": ("eel", "salmon", "tuna"),
        "image_ids": [7, 3, 9],
        "file_names": Strings.of(["a", "b", "c"]),
        "widths": [10, 20, 30],
        "heights": [11, 21, 31],
        "box_ids": [5, 6, 8, 1],
        "box_image": [0, 0, 2, 2],
        "bboxes": [[0, 0, 1, 1], [1, 1, 2, 2], [2, 2, 3, 3], [3, 3, 4, 4]],
        "labels": [0, 1, 1, 0],
        "crowd": [0, 0, 1, 0],
        "ignore": [0, 0, 0, 1],
        "areas": [1, 4, 9, 16],
        "image_meta": {"site": Strings.of(["x", "", "z"])},
    }
    return Annotations(**{**columns, **changes})


def test_columns_have_their_types_and_are_read_only():
    data = make()
    assert data.num_images == 3
    assert data.num_boxes == 4
    assert data.bboxes.dtype == np.float32
    assert data.labels.dtype == np.int32
    assert data.crowd.dtype == bool
    for name in ("image_ids", "bboxes", "labels", "areas", "offsets"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(data, name)[0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.classes = ()
    with pytest.raises(TypeError):
        data.image_meta["video"] = ()


def test_the_callers_array_stays_writeable():
    ids = np.array([7, 3, 9])
    make(image_ids=ids)
    ids[0] = 1


def test_offsets_and_counts():
    data = make()
    assert data.offsets.tolist() == [0, 2, 2, 4]
    assert data.boxes_of(1) == slice(2, 2)
    assert data.box_ids[data.boxes_of(2)].tolist() == [8, 1]


def test_crowd_and_ignored_boxes_are_counted_apart():
    data = make()
    assert data.boxes_per_class().tolist() == [1, 1, 0]
    assert data.ignored_per_class().tolist() == [1, 1, 0]


def test_select_images_takes_boxes_along_in_the_order_asked():
    part = make().select_images([2, 1])
    assert part.image_ids.tolist() == [9, 3]
    assert list(part.file_names) == ["c", "b"]
    assert list(part.image_meta["site"]) == ["z", ""]
    assert part.box_ids.tolist() == [8, 1]
    assert part.box_image.tolist() == [0, 0]
    assert part.crowd.tolist() == [True, False]
    assert make().select_images(np.array([False] * 3)).num_images == 0
    assert make().select_images(slice(None)).equals(make())


def test_select_images_refuses_repeats_and_rows_out_of_range():
    with pytest.raises(ValueError, match="not unique"):
        make().select_images([0, 0])
    with pytest.raises(IndexError):
        make().select_images([3])


def test_pickles_small_and_read_only():
    data = make()
    again = pickle.loads(pickle.dumps(data))
    assert again.equals(data)
    assert not again.bboxes.flags.writeable
    assert copy.deepcopy(data) is data
    assert not data.equals(make(widths=[10, 20, 31]))
    assert not data.equals(make(image_meta={}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"widths": [1, 2]}, "different length"),
        ({"labels": [0, 0, 0]}, "different length"),
        ({"image_meta": {"site": Strings.of(["x"])}}, "different length"),
        ({"bboxes": np.zeros((4, 5))}, "shape"),
        ({"image_ids": [1, 1, 2]}, "not unique"),
        ({"image_ids": [0, 1, 2]}, "image_ids out of range"),
        ({"box_ids": [0, 1, 2, 3]}, "box_ids out of range"),
        ({"labels": [0, 0, 0, 3]}, "labels out of range"),
        ({"box_image": [0, 0, 2, 3]}, "box_image out of range"),
        ({"box_image": [0, 2, 0, 2]}, "not sorted"),
    ],
)
def test_refuses_columns_that_do_not_fit(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)
