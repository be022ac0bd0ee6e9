"""Reading block by block gives what Python's own decoder gives, or says that it cannot."""

from __future__ import annotations

import io
import json
from unittest import mock

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fish_dataset.reading import stream
from fish_dataset.reading.stream import NotPlainError, stream_lists

TEXTS = st.one_of(st.text(max_size=6), st.sampled_from(["},{", '"}, {"', "\\", "]}", "연어", "\n"]))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 2**40), st.floats(-9, 9), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)
OBJECTS = st.lists(st.dictionaries(TEXTS, VALUES, max_size=3), max_size=8)

LOADED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def read(data: bytes, block: int) -> dict[str, list]:
    decoder = msgspec.json.Decoder(list[dict])
    found: dict[str, list] = {}
    with mock.patch.object(stream, "BLOCK", block):
        for key, entries in stream_lists(io.BytesIO(data), {"a": decoder, "b": decoder}):
            found.setdefault(key, []).extend(entries)
    return found


@LOADED
@given(
    st.permutations(["a", "b", "other"]),
    st.fixed_dictionaries({"a": OBJECTS, "b": OBJECTS, "other": VALUES}),
    st.sampled_from([1, 7, 40, 1 << 20]),
    st.sampled_from([None, 0, 2]),
    st.booleans(),
)
def test_gives_what_the_whole_document_holds(keys, values, block, indent, plain):
    text = json.dumps({key: values[key] for key in keys}, indent=indent, ensure_ascii=plain)
    found = read(text.encode(), block)
    assert found == {"a": values["a"], "b": values["b"]}


@LOADED
@given(
    OBJECTS,
    OBJECTS,
    st.integers(0, 400),
    st.sampled_from([b"", b",", b"}", b"]", b"{", b'"', b"\\", b"\xff", b"1", b"[{}],", b"{},"]),
    st.integers(0, 3),
    st.sampled_from([1, 16, 1 << 20]),
)
def test_a_spoiled_file_is_read_as_python_reads_it_or_not_at_all(a, b, at, put, gone, block):
    data = json.dumps({"a": a, "b": b, "c": [1]}).encode()
    data = data[:at] + put + data[at + gone :]
    try:
        found = read(data, block)
    except NotPlainError:
        return
    truth = json.loads(data)
    assert found == {key: truth[key] for key in ("a", "b") if key in truth}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"a": [{}],}',
        '{"a": [{},]}',
        '{"a": [,{}]}',
        '{"a": [{}] "b": []}',
        '{"a": [{}]} {}',
        '{"a": {}}',
        '{"a": [1]}',
        '{"a": [NaN]}',
        '{"a": [{"x": NaN}]}',
        '{"a": [], "a": [{}]}',
        '{"a": [{"x": 1}], "c": tru}',
        '{"a": [{"x": 1}], "c": [1, 2',
        '{"a": ' + "[" * 5000,
    ],
)
@pytest.mark.parametrize("block", [1, 1 << 20])
def test_what_is_not_plain_is_left_to_the_whole_reader(text, block):
    with pytest.raises(NotPlainError):
        read(text.encode(), block)


def test_text_outside_of_what_is_kept_has_to_be_utf8_too():
    entry = msgspec.defstruct("Entry", [("x", int)])
    data = '{"a": [{"x": 1, "note": "연어"}]}'.encode("cp949")
    with pytest.raises(NotPlainError):
        list(stream_lists(io.BytesIO(data), {"a": msgspec.json.Decoder(list[entry])}))


def test_memory_holds_a_block_and_not_the_list():
    entries = [{"x": number, "text": "y" * 50} for number in range(2000)]
    data = json.dumps({"a": entries, "b": []}).encode()
    decoder = msgspec.json.Decoder(list[dict])
    with mock.patch.object(stream, "BLOCK", 4096):
        sizes = [len(e) for _, e in stream_lists(io.BytesIO(data), {"a": decoder, "b": decoder})]
    assert sum(sizes) == 2000
    assert max(sizes) < 200
