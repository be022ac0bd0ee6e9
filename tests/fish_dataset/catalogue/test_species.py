"""The catalogue: its look-up against names written by hand, and the rules of its file."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fish_dataset.catalogue import all_species, display_name, find
from fish_dataset.catalogue.species import fold, parse
from fish_dataset.errors import FishDataError

BUILT_IN = {
    "salmon": "연어",
    "eel": "장어",
    "mackerel": "고등어",
    "horse mackerel": "전갱이",
    "rock bream": "돌돔",
    "red seabream": "참돔",
    "olive flounder": "넙치",
}
AQUARIUM = {
    "fish": "물고기",
    "jellyfish": "해파리",
    "penguin": "펭귄",
    "puffin": "퍼핀",
    "shark": "상어",
    "starfish": "불가사리",
    "stingray": "가오리",
}
DEEPFISH = (
    "Acanthopagrus palmaris",
    "Amniataba caudivittatus",
    "Caranx sexfasciatus",
    "Epinephelus",
    "Gerres",
    "Lutjanus russellii",
)
ENTRY = """
[[species]]
id = "{id}"
scientific_name = "{latin}"
rank = "{rank}"
names.en = ["{english}"]
names.ko = []
sources = []
"""


@pytest.mark.parametrize(("english", "korean"), (BUILT_IN | AQUARIUM).items())
def test_class_names_in_both_languages(english: str, korean: str) -> None:
    assert display_name(english, "ko") == korean
    assert display_name(english, "en") == english
    assert display_name(korean, "en") == english
    assert find(english) is find(korean)


@pytest.mark.parametrize("name", DEEPFISH)
def test_scientific_class_names_stay(name: str) -> None:
    assert find(name) is not None
    assert display_name(name, "en") == name
    assert display_name(name, "ko") == name  # no Korean name is on record


@pytest.mark.parametrize(
    "spelling",
    ["Red Seabream", "red sea bream", "RED_SEA-BREAM", " red  seabream ", "Pagrus major",
     "pagrus-major", "PAGRUS MAJOR", "réd séabream", unicodedata.normalize("NFD", "참돔")],
)  # fmt: skip
def test_find_tolerates_spelling(spelling: str) -> None:
    species = find(spelling)
    assert species is not None
    assert species.scientific_name == "Pagrus major"


@pytest.mark.parametrize("name", ["", "sea", "mackere", "coelacanth", "?"])
def test_unknown_names(name: str) -> None:
    assert find(name) is None
    assert display_name(name, "ko") == name


def test_unknown_language() -> None:
    with pytest.raises(FishDataError, match="'jp'.*en, ko"):
        display_name("eel", "jp")


@given(st.sampled_from([name for one in all_species() for name in one.all_names()]), st.data())
def test_every_name_leads_to_its_species_in_any_case(name: str, data: st.DataObject) -> None:
    letters = [data.draw(st.sampled_from((letter.upper(), letter.lower()))) for letter in name]
    found = find("".join(letters))
    assert found is not None
    assert fold(name) in map(fold, found.all_names())


@given(st.text())
def test_fold_is_stable(name: str) -> None:
    assert find(name) is None or find(name.casefold()) is find(name)


def test_every_fact_has_an_address_and_a_day() -> None:
    for species in all_species():
        named_in_korean = bool(species.names["ko"])
        assert not named_in_korean or species.sources, species.id
        for source in species.sources:
            assert source.fact
            assert re.fullmatch(r"https?://\S+", source.url)
            assert re.fullmatch(r"\d{4}-\d\d-\d\d", source.accessed)


def test_two_species_may_not_share_a_name() -> None:
    first = ENTRY.format(id="a", latin="A a", rank="species", english="bream")
    second = ENTRY.format(id="b", latin="B b", rank="species", english="Bream")
    with pytest.raises(FishDataError, match="'a' and 'b' both bear the name 'Bream'"):
        parse(first + second)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[species", "not TOML"),
        ('[[species]]\nid = "a"', "entry 1 .a.: a field is missing"),
        (ENTRY.format(id="a", latin="A", rank="tribe", english="x"), "rank 'tribe'"),
    ],
)
def test_faults_of_the_file_are_named(text: str, message: str) -> None:
    with pytest.raises(FishDataError, match=message):
        parse(text)
