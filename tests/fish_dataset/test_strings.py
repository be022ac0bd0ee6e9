from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fish_dataset.ragged import as_rows, ranges
from fish_dataset.strings import Strings

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=20)


@given(TEXTS)
def test_holds_what_was_put_in(texts):
    column = Strings.of(texts)
    assert len(column) == len(texts)
    assert list(column) == texts
    assert [column[i] for i in range(len(texts))] == texts
    assert [column[i - len(texts)] for i in range(len(texts))] == texts
    assert column == texts
    assert column == Strings.of(texts)


@given(TEXTS, st.data())
def test_takes_rows_as_a_list_does(texts, data):
    column = Strings.of(texts)
    places = st.lists(st.integers(0, len(texts) - 1), max_size=10) if texts else st.just([])
    rows = data.draw(places)
    assert list(column[np.array(rows, dtype=int)]) == [texts[row] for row in rows]
    mask = np.array([len(text) % 2 == 0 for text in texts], dtype=bool)
    assert list(column[mask]) == [text for text in texts if len(text) % 2 == 0]
    assert list(column[1:-1]) == texts[1:-1]


def test_pickles_and_stays_read_only():
    column = Strings.of(["연어", "", "eel"])
    again = pickle.loads(pickle.dumps(column))
    assert again == column
    assert copy.deepcopy(column) is column
    with pytest.raises(ValueError, match="read-only"):
        again._data[0] = 0


def test_a_selection_pickles_alone():
    column = Strings.of(["x" * 1000] * 1000)
    assert len(pickle.dumps(column[:2])) < 5000


def test_refuses_rows_that_are_not_there():
    column = Strings.of(["a", "b"])
    for index in (2, -3):
        with pytest.raises(IndexError):
            column[index]
    with pytest.raises(IndexError):
        column[np.array([2])]
    with pytest.raises(IndexError):
        column[np.array([True])]


def test_refuses_a_lone_surrogate():
    with pytest.raises(UnicodeEncodeError):
        Strings.of(["\ud800"])


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5))))
def test_ranges_lays_rows_end_to_end(rows):
    starts = np.array([start for start, _ in rows], dtype=np.int64)
    counts = np.array([count for _, count in rows], dtype=np.int64)
    expected = [start + step for start, count in rows for step in range(count)]
    assert ranges(starts, counts).tolist() == expected


def test_as_rows_understands_slices_masks_and_negative_rows():
    assert as_rows(slice(1, None), 3).tolist() == [1, 2]
    assert as_rows([True, False, True], 3).tolist() == [0, 2]
    assert as_rows([-1, 0], 3).tolist() == [2, 0]
    assert as_rows([], 3).tolist() == []
