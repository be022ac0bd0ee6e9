"""Catalogue files of a user: read beside the package's own; faults are named."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fish_dataset.catalogue import catalogue, find
from fish_dataset.catalogue.index import catalogue_of
from fish_dataset.errors import FishDataError

SOURCE = """
[sources.notes]
title = "Field notes"
url = "https://example.org/notes"
accessed = "2026-11-25"
"""
ENTRY = """
[[species]]
id = "{id}"
scientific_name = "{latin}"
rank = "{rank}"
names.en = ["{english}"]
{more}
"""


def entry(
    id: str = "a", latin: str = "A a", rank: str = "species", english: str = "x", more: str = ""
) -> str:
    return ENTRY.format(id=id, latin=latin, rank=rank, english=english, more=more)


def test_own_entries_stand_beside_the_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.toml"
    more = 'parent = "gobiidae"\nsize.max_cm = 7\nsources.size = ["notes"]'
    file.write_text(
        SOURCE + entry("my-goby", "Mygobius mius", english="my goby", more=more), encoding="utf-8"
    )
    assert find("my goby") is None
    monkeypatch.setenv("FISHDET_CATALOGUE", str(file))
    mine, own = find("My-Goby"), find("고등어")
    assert mine and own
    assert mine.size and mine.size.max_cm == 7.0
    assert mine.sources["size"][0].url == "https://example.org/notes"
    assert catalogue(file).by_id["my-goby"] == mine
    monkeypatch.setenv("FISHDET_CATALOGUE", str(tmp_path))
    assert find("my goby") == mine


def test_an_entry_of_the_same_id_takes_the_place(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(entry("gerres", "Gerres", "genus", "silver biddy"), encoding="utf-8-sig")
    assert catalogue(file).by_id["gerres"].names["en"] == ("silver biddy",)


FAULTS = [
    ("[[species", "not TOML"),
    ("[[fish]]", "'fish' is unknown; a catalogue has"),
    ('[[species]]\nid = "a"', r"entry 1 \(a\): field 'scientific_name' is missing"),
    (entry(rank="tribe"), r"entry 1 \(a\), field 'rank': 'tribe'.*species, genus"),
    (entry(more="lenght = 3"), r"entry 1 \(a\): field 'lenght' is unknown"),
    (entry(more="synonim = ['B b']"), "'synonim' is unknown; did you mean 'synonyms'"),
    (entry(more="size = 3"), "field 'size': 3: takes a table with max_cm"),
    (entry(more="size.max_mc = 3"), "has no 'max_mc': did you mean 'max_cm'"),
    (entry(more="size.max_cm = -1"), "its 'max_cm' takes a number above 0, not -1"),
    (entry(more="size.max_cm = nan"), "takes a number above 0"),
    (entry(more="aphia_id = 0"), "takes a whole number from 1"),
    (entry(more="aphia_id = true"), "takes a whole number from 1"),
    (entry(more='names.ko = "고등어"'), r"its 'ko' takes a list of texts.*not '고등어'"),
    (entry(more="danger = [{ kind = 'bite' }]"), "its 'kind' takes one of venom"),
    (entry(more="season = [{ event = 'spawning' }]"), "lacks first_month, last_month"),
    (
        entry(more="korea_law.closed = [{ first = '13-01', last = '01-31' }]"),
        "its 'first' takes a day as \"MM-DD\"",
    ),
    (entry(more="parent = 'b'"), "field 'parent': 'b' is no other entry's id"),
    (entry(more="similar = [{ id = 'b' }]"), "field 'similar': 'b' is no other entry's id"),
    (entry(more="sources.size = ['notes']"), "sources: 'size' is no field of this entry"),
    (entry(more="size.max_cm = 3\nsources.size = ['n']"), "'n' is no source; define"),
    (
        entry(english="bream") + entry("b", "B b", english="Bream"),
        "'a' .*'b' both bear the name 'Bream'",
    ),
    (entry() + entry("a", "C c", english="y"), "two entries have the id 'a'"),
    (
        entry(more="parent = 'b'") + entry("b", "B b", english="y", more="parent = 'a'"),
        "'parent'.*not wider than a species",
    ),
    (
        entry(rank="group", more="parent = 'b'")
        + entry("b", "", "group", "y", more="parent = 'a'"),
        "a → b → a runs in a circle",
    ),
    ("[sources.s]\ntitle = 't'", "sources.s: takes exactly title, url, accessed"),
    (SOURCE.replace("https", "gopher"), "is no address; it starts with http"),
    (SOURCE.replace("2026-11-25", "25.11.2026"), "is no day; write YYYY-MM-DD"),
]


@pytest.mark.parametrize(("text", "message"), FAULTS)
def test_faults_name_entry_field_value_and_remedy(text: str, message: str) -> None:
    with pytest.raises(FishDataError, match=message):
        catalogue_of(text)


def test_faults_of_a_file_name_it(tmp_path: Path) -> None:
    missing = tmp_path / "none.toml"
    with pytest.raises(FishDataError, match="none.toml: the catalogue cannot be read"):
        catalogue(missing)
    korean = tmp_path / "korean.toml"
    korean.write_bytes("# 고등어".encode("cp949"))
    with pytest.raises(FishDataError, match="korean.toml: not UTF-8"):
        catalogue(korean)
    taken = tmp_path / "taken.toml"
    taken.write_text(entry("my-mackerel", "Scomber mius", english="mackerel"), encoding="utf-8")
    with pytest.raises(FishDataError, match=r"taken.toml: 'scomber-japonicus' \(of .*korea_food"):
        catalogue(taken)


@given(st.integers(0, 2**32), st.integers(1, 4))
def test_broken_text_never_ends_in_another_error(seed: int, cuts: int) -> None:
    text = SOURCE + entry(more="size.max_cm = 3\nsources.size = ['notes']")
    chance = random.Random(seed)
    for _ in range(cuts):
        place = chance.randrange(len(text))
        text = text[:place] + chance.choice(("", "[", "]", '"', "=", "\n", "7")) + text[place + 1 :]
    try:
        catalogue_of(text)
    except FishDataError as error:
        assert "catalogue" in str(error)
