"""Columns give back the values that went in."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fish_dataset.reading.column import Column, is_box, pack, pack_boxes
from fish_dataset.reading.table import Table

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(),
)
CHUNKS = st.lists(
    st.one_of(
        st.lists(SCALARS),
        st.lists(st.integers(0, 9)),
        st.lists(st.booleans()),
        st.lists(st.floats(allow_nan=False)),
        st.lists(st.none()),
    ),
    max_size=4,
)
NUMBERS = st.one_of(st.integers(-99, 99), st.floats(allow_nan=False))
BOXES = st.one_of(st.lists(NUMBERS, min_size=4, max_size=4), st.lists(NUMBERS, max_size=5), SCALARS)


@given(CHUNKS)
def test_values_and_types_come_back(chunks):
    column = Column(map(pack, chunks))
    values = [value for chunk in chunks for value in chunk]
    assert list(column) == values
    assert list(map(type, column)) == list(map(type, values))
    assert [column[row] for row in range(len(column))] == values
    assert [type(column[row]) for row in range(-len(column), 0)] == list(map(type, values))
    assert column.kinds == set(map(type, values))


@given(CHUNKS)
def test_integers_and_numbers(chunks):
    column = Column(map(pack, chunks))
    values = [value for chunk in chunks for value in chunk]
    integers = column.integers()
    assert (integers is not None) == all(type(value) is int for value in values)
    if integers is not None:
        assert integers.tolist() == values
    for got, value in zip(column.numbers().tolist(), values, strict=True):
        assert got == float(value) if type(value) in (int, float) else math.isnan(got)


@given(st.lists(st.lists(BOXES, max_size=5), max_size=3))
def test_boxes(chunks):
    column = Column(map(pack_boxes, chunks))
    values = [value for chunk in chunks for value in chunk]
    boxes, readable = column.boxes()
    assert readable.tolist() == [is_box(value) for value in values]
    for box, fine, value in zip(boxes.tolist(), readable, values, strict=True):
        assert box == ([float(number) for number in value] if fine else [0.0] * 4)
    assert list(column) == values


def test_integers_beyond_64_bits_are_floats():
    huge = 10**400
    assert list(Column([pack([1, huge, -huge, 10**30])])) == [1, math.inf, -math.inf, 1e30]
    assert list(Column([pack(["a", huge])])) == ["a", math.inf]
    assert Column([pack_boxes([[0, 0, huge, 1]])]).boxes()[0].tolist() == [[0, 0, math.inf, 1]]


def test_rows_out_of_range():
    column = Column([pack([1, 2])])
    with pytest.raises(IndexError):
        column[2]
    with pytest.raises(IndexError):
        column[-3]
    assert column[0:2] == [1, 2]


def test_a_million_integers_take_four_megabytes():
    part = pack(list(range(1000)))
    assert isinstance(part, np.ndarray) and part.nbytes == 4000
    assert pack([None] * 1000).strides == (0,)


def test_outlines_are_kept_where_there_is_no_box_only():
    outline = [[0, 0, 4, 0, 4, 4]]
    entries = [{"bbox": [0, 0, 4, 4], "segmentation": outline}, {"segmentation": outline}]
    table = Table.of(entries, ("bbox", "segmentation"))
    assert list(table["segmentation"]) == [None, outline]
    assert table.entry(0) == {"bbox": [0, 0, 4, 4], "segmentation": None}
    assert list(table.entries()) == [table.entry(0), table.entry(1)]
