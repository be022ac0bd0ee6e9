"""The published file: same bytes, nothing lost, every fault found."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import safetensors
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fish_dataset.files import file_sha256
from fishdet.checkpoint.header import DTYPES
from fishdet.checkpoint.published import (
    canonical_json,
    read_metadata,
    read_published,
    write_published,
)
from fishdet.checkpoint.safety.limits import MAX_DEPTH, MAX_TEXT
from fishdet.errors import FishdetError

PAPERS: dict[str, Any] = {
    "format": 1,
    "classes": [{"name": "장어", "species": None}],
    "x": {"b": 1},
}
STATE = {"b": torch.arange(6.0).reshape(2, 3), "a": torch.tensor(7), "empty": torch.zeros(0, 4)}
quick = settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "m.safetensors"
    write_published(path, STATE, PAPERS)
    return path


def by_hand(path: Path) -> tuple[dict[str, Any], bytes]:
    """The format read from its description alone."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def test_the_layout_is_safetensors_with_one_entry_of_papers(small: Path) -> None:
    header, data = by_hand(small)
    assert list(header["__metadata__"]) == ["fishdet"]
    papers = json.loads(header["__metadata__"]["fishdet"])
    assert {key: papers[key] for key in PAPERS} == PAPERS
    begin, end = header["b"]["data_offsets"]
    assert header["b"]["dtype"] == "F32" and header["b"]["shape"] == [2, 3]
    assert struct.unpack("<6f", data[begin:end]) == (0, 1, 2, 3, 4, 5)
    with safetensors.safe_open(small, "pt") as file:
        assert set(file.keys()) == set(STATE)


def test_same_input_same_bytes(small: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.safetensors"
    state = {name: STATE[name] for name in ("empty", "a", "b")}
    write_published(again, state, dict(reversed(PAPERS.items())))
    assert again.read_bytes() == small.read_bytes()
    write_published(again, {**state, "b": STATE["b"] + 1}, PAPERS)
    assert again.read_bytes() != small.read_bytes()


@pytest.mark.parametrize("code", DTYPES)
def test_every_dtype_comes_back(code: str, tmp_path: Path) -> None:
    tensor = torch.tensor([[0, 1, 1], [1, 0, 1]]).to(getattr(torch, DTYPES[code][1]))
    path = tmp_path / "m.safetensors"
    shared = tensor.t()  # neither contiguous nor on its own
    write_published(path, {"w": tensor, "t": shared}, PAPERS)
    papers, state = read_published(path)
    assert papers is not None and papers["classes"] == PAPERS["classes"]
    assert state["w"].dtype == tensor.dtype
    assert torch.equal(state["w"], tensor) and torch.equal(state["t"], shared)


def test_papers_are_read_without_the_weights(small: Path, tmp_path: Path) -> None:
    content = bytearray(small.read_bytes())
    content[-1] ^= 255
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    assert read_metadata(path)["x"] == {"b": 1}
    with pytest.raises(FishdetError, match="damaged or altered"):
        read_published(path)


@quick
@given(data=st.data())
def test_any_flipped_bit_is_found(small: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(small.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= 1 << data.draw(st.integers(0, 7))
    named = tmp_path / f"m-{file_sha256(small)[:8]}.safetensors"
    named.write_bytes(content)
    with pytest.raises(FishdetError, match="m-.*safetensors"):
        read_published(named)


@quick
@given(data=st.data())
def test_flipped_weights_are_found_under_any_name(
    small: Path, tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(small.read_bytes())
    _, weights = by_hand(small)
    position = data.draw(st.integers(len(content) - len(weights), len(content) - 1))
    content[position] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path / "renamed.safetensors"
    path.write_bytes(content)
    with pytest.raises(FishdetError, match="renamed.*altered"):
        read_published(path)


@quick
@given(kept=st.integers(0, 10_000))
def test_files_cut_short_are_named(small: Path, tmp_path: Path, kept: int) -> None:
    content = small.read_bytes()
    path = tmp_path / "short.safetensors"
    path.write_bytes(content[: kept % len(content)])
    with pytest.raises(FishdetError, match="short.safetensors"):
        read_published(path)


def test_the_index_s_sum_is_held_against_the_file(small: Path) -> None:
    assert read_published(small, file_sha256(small))[0]
    with pytest.raises(FishdetError, match="the index says 0000"):
        read_published(small, "0" * 64)


GOOD = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
HOSTILE = {
    "overlap": ({"a": GOOD, "b": {**GOOD, "data_offsets": [4, 12]}}, "overlaps"),
    "twice the same bytes": ({"a": GOOD, "b": GOOD}, "overlaps"),
    "gap": ({"a": GOOD, "b": {**GOOD, "data_offsets": [12, 20]}}, "gap"),
    "beyond the end": ({"a": {**GOOD, "shape": [4], "data_offsets": [0, 16]}}, "cut short"),
    "unclaimed bytes": ({}, "grown"),
    "huge": ({"a": {**GOOD, "shape": [2**40, 2**40]}}, "does not fill"),
    "too large to count": ({"a": {**GOOD, "shape": [2**63]}}, "does not fill"),
    "negative": ({"a": {**GOOD, "shape": [-2, -1]}}, "does not fill"),
    "fraction": ({"a": {**GOOD, "shape": [2.0]}}, "does not fill"),
    "truth": ({"a": {**GOOD, "data_offsets": [False, 8]}}, "does not fill"),
    "dtype": ({"a": {**GOOD, "dtype": "F128"}}, "unknown kind"),
    "missing": ({"a": {"dtype": "F32"}}, "missing"),
    "not a tensor": ({"a": 3}, "missing"),
    "list": ([], "no JSON object"),
    "later format": ({"__metadata__": {"fishdet": '{"format": 2}'}, "a": GOOD}, "update"),
    "papers that are no object": ({"__metadata__": {"fishdet": "[1]"}, "a": GOOD}, "no object"),
    "classes": ({"__metadata__": {"fishdet": '{"format": 1}'}, "a": GOOD}, "classes"),
}  # fmt: skip


def write_raw(path: Path, header: bytes, data: bytes = bytes(8), length: int | None = None) -> Path:
    path.write_bytes(struct.pack("<Q", len(header) if length is None else length) + header + data)
    return path


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_headers(kind: str, tmp_path: Path) -> None:
    header, message = HOSTILE[kind]
    path = write_raw(tmp_path / "m.safetensors", json.dumps(header).encode())
    with pytest.raises(FishdetError, match=f"m.safetensors.*{message}"):
        read_published(path)


@pytest.mark.parametrize(
    ("header", "length", "message"),
    [
        (b"{}", 2**63, "cut short"),
        (b"{}", 0, "cut short"),
        (b"{" + b" " * MAX_TEXT + b"}", None, "cut short"),
        (b"[" * 100_000, None, f"deeper than {MAX_DEPTH}"),
        (b"[" * 60 + b"]" * 60, None, f"deeper than {MAX_DEPTH}"),
        (b"[" + b"0," * 200_000 + b"0]", None, "more than 100,000 values"),
        (b'{"a":1,"a":2}', None, "a key stands twice"),
        (b"\xff\xfe", None, "no JSON"),
        (b"hello", None, "no JSON"),
    ],
    ids=["absurd", "none", "long", "deep", "too deep", "many", "twice", "bytes", "text"],
)
def test_headers_that_would_exhaust(
    header: bytes, length: int | None, message: str, tmp_path: Path
) -> None:
    path = write_raw(tmp_path / "m.safetensors", header, length=length)
    with pytest.raises(FishdetError, match=f"m.safetensors.*{message}"):
        read_published(path)


def test_weights_of_others_have_no_papers(tmp_path: Path) -> None:
    path = write_raw(tmp_path / "m.safetensors", json.dumps({"a": GOOD}).encode())
    papers, state = read_published(path)
    assert papers is None and state["a"].shape == (2,)
    with pytest.raises(FishdetError, match="without papers"):
        read_metadata(path)
    with pytest.raises(FishdetError, match="no such"):
        read_metadata(tmp_path / "gone.safetensors")


def test_json_is_canonical() -> None:
    assert canonical_json({"b": 1, "a": ["é", None]}) == '{"a":["é",null],"b":1}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))
