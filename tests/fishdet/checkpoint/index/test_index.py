"""Indexes of models: what is read, what is refused, and how entries are written."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from fishdet.checkpoint.index.edit import add_entry, entry_of_file, public_address
from fishdet.checkpoint.index.entries import MAX_INDEX, MAX_MODEL, Entry, parse_index, render
from fishdet.checkpoint.index.indexes import find, indexes, read_index
from fishdet.errors import FishdetError

SUM = "ab" * 32
GOOD = {"file": '"a.safetensors"', "sha256": f'"{SUM}"', "size": "10"}


def toml(**fields: str | None) -> str:
    lines = [f"{key} = {value}" for key, value in (GOOD | fields).items() if value is not None]
    return "\n".join(["format = 1", "[models.one]", *lines])


def test_a_whole_entry_is_read_and_written_back() -> None:
    entry = Entry(
        "one-2.0", SUM, 10, address="hf://owner/repo/sub/a.safetensors@v1",
        mirrors=("https://host/a?key=1",), card="https://host/README.md", config="fish",
        data='물고기 "7"', licence="CC-BY-4.0", classes=7, metrics={"mAP": 0.5, "mAP_50": 1.0},
    )  # fmt: skip
    assert parse_index(render(entry), "x") == {"one-2.0": entry}
    small = Entry("b", SUM, 1, file="sub folder/어종-1.safetensors")
    assert parse_index(render(small), "x") == {"b": small}
    assert render(small).count("\n") == 4


@pytest.mark.parametrize(
    "path",
    [
        "../a.safetensors", "x/../../a.safetensors", "/etc/a.safetensors", "..", "~/a.safetensors",
        "C:\\\\a.safetensors", "..\\\\a.safetensors", "x//a.safetensors", "./a.safetensors",
        "file:///etc/a.safetensors", "http://h/a.safetensors", "\\u0000a.safetensors", "",
        "x/.hidden.safetensors", "a.safetensors/", "%2e%2e/a.safetensors", "a\\nb.safetensors",
    ],
)  # fmt: skip
def test_a_file_that_leaves_the_folder_is_refused(path: str) -> None:
    with pytest.raises(FishdetError, match="idx, model 'one'"):
        parse_index(toml(file=f'"{path}"'), "idx")


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd", "ftp://host/a", "//host/a", "/etc/passwd", "data:text/plain,a",
        "http://", "https://user:word@host/a", "gopher://h/", "http:a", "hf://owner/a.safetensors",
        "hf://o/r/../x.safetensors", "hf://o/r//x.safetensors", "hf://o/r/x.pth",
        "hf://o/r/x.safetensors@a b",
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["address", "mirrors"])
def test_only_the_web_and_the_hub_are_addresses(field: str, address: str) -> None:
    changed: dict[str, Any] = (
        {"address": f'"{address}"', "file": None}
        if field == "address"
        else {"mirrors": f'["{address}"]'}
    )
    with pytest.raises(FishdetError, match=f"model 'one': {field}|names no .safetensors"):
        parse_index(toml(**changed), "idx")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"size": str(MAX_MODEL + 1)}, f"size {MAX_MODEL + 1}"),
        ({"size": "9223372036854775807"}, "size 9223372036854775807"),
        ({"size": "0"}, "size 0"),
        ({"size": "-1"}, "size -1"),
        ({"size": "true"}, "size True"),
        ({"size": "1.5"}, "size 1.5"),
        ({"size": None}, "size None"),
        ({"sha256": '"abc"'}, "sha256 'abc'"),
        ({"sha256": None}, "sha256 None"),
        ({"sha256": f'"{SUM.upper()}"'}, "sha256"),
        ({"file": '"a.pth"'}, "names no .safetensors"),
        ({"file": "1"}, "file 1"),
        ({"file": None}, "needs either"),
        ({"address": '"https://h/a"'}, "needs either"),
        ({"card": '"../../x"'}, "card"),
        ({"data": '"\\u001b[2J"'}, "data"),
        ({"data": '"' + "x" * 501 + '"'}, "data"),
        ({"classes": '"7"'}, "classes '7'"),
        ({"metrics": "{mAP = nan}"}, "metrics"),
        ({"metrics": "[1]"}, "metrics"),
        ({"sha265": '"x"'}, "unknown field 'sha265'"),
    ],
)
def test_a_wrong_field_is_named(changed: dict[str, str | None], message: str) -> None:
    with pytest.raises(FishdetError, match=re.escape(message)) as caught:
        parse_index(toml(**changed), "idx")
    assert str(caught.value).startswith("idx, model 'one'")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("format = 2", "update fishdet"),
        ("format = 'x'", "no number of a format"),
        ("a = 1", "unknown field 'a'"),
        ("models = [1]", "must be written as"),
        ("[models]\nx = 1", "must be written as"),
        ("not toml", "is not TOML"),
        ("x = " + "[" * 20000, "is not TOML"),
        ('[models."../x"]', "a name has letters"),
        ('[models.""]', "a name has letters"),
        ("#" * (MAX_INDEX + 1), "bytes is not read"),
    ],
)
def test_a_hostile_index_is_refused(text: str, message: str) -> None:
    with pytest.raises(FishdetError, match=message):
        parse_index(text, "idx")


def test_the_shipped_index_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FISHDET_MODELS", raising=False)
    (shipped,) = indexes()
    assert shipped.place.endswith("models.toml") and shipped.entries == {}


def test_the_first_index_wins_and_the_nearest_name_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, folder in enumerate(("a", "b"), start=1):
        entry = Entry("reef", SUM, number, file="reef.safetensors")
        add_entry(tmp_path / folder / "models.toml", entry)
    monkeypatch.setenv("FISHDET_MODELS", f"{tmp_path}/a , {tmp_path}/b/models.toml")
    assert find("reef")[1].size == 1
    with pytest.raises(FishdetError, match="did you mean reef"):
        find("reefs")
    monkeypatch.setenv("FISHDET_MODELS", f"{tmp_path}/gone")
    with pytest.raises(FishdetError, match="gone: no such index"):
        find("reef")


def test_adding_keeps_what_is_there(tmp_path: Path) -> None:
    index = tmp_path / "models.toml"
    fields = toml().partition("[models.one]")[2]
    index.write_text(f"# ours\nformat = 1\n\n[models.'old']  # gone{fields}\n")
    add_entry(index, Entry("new", SUM, 2, file="n.safetensors", metrics={"mAP": 0.25}))
    with pytest.raises(FishdetError, match="has a model 'old' already"):
        add_entry(index, Entry("old", SUM, 3, file="o.safetensors"))
    add_entry(index, Entry("old", SUM, 3, file="o.safetensors"), replace=True)
    text = index.read_text()
    assert text.startswith("# ours\n") and text.count("[models.") == 2
    entries = read_index(str(tmp_path)).entries
    assert {name: entry.size for name, entry in entries.items()} == {"new": 2, "old": 3}
    assert entries["new"].metrics == {"mAP": 0.25}
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".toml") == [
        index.name
    ]


def test_what_cannot_be_edited_is_left_alone(tmp_path: Path) -> None:
    index = tmp_path / "models.toml"
    inline = ", ".join(f"{key} = {value}" for key, value in GOOD.items())
    index.write_text(f"models.old = {{{inline}}}\n")
    with pytest.raises(FishdetError, match="remove it by hand"):
        add_entry(index, Entry("old", SUM, 3, file="o.safetensors"), replace=True)
    assert index.read_text() == f"models.old = {{{inline}}}\n"


def test_the_entry_of_a_file(published: Path, tmp_path: Path) -> None:
    shutil.copytree(published.parent, tmp_path / "site" / "tiny")
    index, file = tmp_path / "site" / "models.toml", tmp_path / "site" / "tiny" / published.name
    entry = entry_of_file(file, index, name="t", address=None)
    assert (entry.file, entry.card) == (f"tiny/{published.name}", "tiny/README.md")
    assert entry.sha256.startswith(published.stem[-8:]) and entry.size == os.stat(file).st_size
    assert (entry.classes, entry.metrics["mAP"]) == (7, 0.25)
    with pytest.raises(FishdetError, match="lies outside"):
        entry_of_file(published, index, name=None, address=None)
    there = entry_of_file(
        published,
        index,
        name=None,
        address="https://host/f.safetensors",
        mirrors=["hf://o/r/f.safetensors"],
    )
    assert (
        there.address == "https://host/f.safetensors"
        and there.name == "tiny_set"
        and not there.card
    )
    with pytest.raises(FishdetError, match="is on this machine"):
        entry_of_file(published, index, name=None, address="file:///x")
    with pytest.raises(FishdetError, match="letters, digits"):
        entry_of_file(file, index, name="a/b", address=None)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("https://…", "is the pattern"), ("https://<host>/a.safetensors", "is the pattern"),
        ("https://host/folder/", "names no .safetensors"), ("https://host/FILE", "names no"),
        ("file:///mnt/a.safetensors", "is on this machine"), ("/mnt/a.safetensors", "is on this"),
        ("a.safetensors", "is on this machine"), ("ftp://host/a.safetensors", "--address"),
        ("hf://owner/a.safetensors", "--address"), ("hf://o/r/model.bin", "names no"),
    ],
)  # fmt: skip
def test_an_address_that_others_cannot_use_is_refused(address: str, message: str) -> None:
    with pytest.raises(FishdetError, match=re.escape(message)) as caught:
        public_address(address, "--address")
    assert address in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["https://host/a/%EC%96%B4.safetensors", "http://127.0.0.1:80/b.safetensors",
     "https://host/get?key=1", "hf://owner/repo/sub/a.safetensors@v1"],
)  # fmt: skip
def test_an_address_that_others_can_use_is_taken(address: str) -> None:
    assert public_address(address, "--address") == address
