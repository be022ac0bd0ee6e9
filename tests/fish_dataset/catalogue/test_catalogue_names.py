"""Look-up by name, against names written by hand."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fish_dataset.catalogue import all_species, display_name, find, fold
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
KAKADU = (  # as the set spells them
    "Ambassis agrammus",
    "Craterocephalus sturcusmuscarum",
    "Denariusa bandata",
    "Lates calcarifer",
    "Melanotaenia splendida inornata",
    "Neoarius",
    "Sycomistes butleri",
    "Toxotes chatareus",
)
SAME = (  # names of one species in several languages and spellings
    ("고등어", "Mackerel", "Scomber japonicus", "Pacific chub mackerel"),
    ("광어", "넙치", "bastard halibut", "Paralichthys olivaceus", "牙鲆"),
    ("우럭", "조피볼락", "Sebastes schlegelii", "Sebastes schlegeli"),
    ("명태", "Alaska pollock", "Theragra chalcogramma", "Gadus chalcogrammus"),
    ("Coho", "은연어", "Oncorhynchus kisutch"),
)


@pytest.mark.parametrize(("english", "korean"), (BUILT_IN | AQUARIUM).items())
def test_class_names_in_both_languages(english: str, korean: str) -> None:
    assert display_name(english, "ko") == korean
    assert display_name(english, "en") == english
    assert display_name(korean, "en") == english
    assert find(english) is find(korean)


@pytest.mark.parametrize("name", DEEPFISH + KAKADU)
def test_scientific_class_names_are_known(name: str) -> None:
    assert find(name) is not None
    if name in DEEPFISH:
        assert display_name(name, "en") == name


@pytest.mark.parametrize("names", SAME)
def test_one_species_whatever_it_is_called(names: tuple[str, ...]) -> None:
    found = {one.id if (one := find(name)) else name for name in names}
    assert len(found) == 1


@pytest.mark.parametrize(
    "spelling",
    ["Red Seabream", "red sea bream", "RED_SEA-BREAM", " red  seabream ", "Pagrus major",
     "pagrus-major", "PAGRUS MAJOR", "réd séabream", unicodedata.normalize("NFD", "참돔")],
)  # fmt: skip
def test_find_tolerates_spelling(spelling: str) -> None:
    species = find(spelling)
    assert species is not None
    assert species.scientific_name == "Pagrus major"


@pytest.mark.parametrize("name", ["", "sea", "mackere", "coelacanth", "?", "고둥어"])
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
