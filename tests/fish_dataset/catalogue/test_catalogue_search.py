"""Search: typos within the stated limit find the entry; what is not sure stays a proposal."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fish_dataset.catalogue import all_species, fold, search
from fish_dataset.catalogue.__main__ import main
from fish_dataset.catalogue.index import catalogue_of
from fish_dataset.catalogue.search import allowed_edits, edits

NAMES = sorted({name for one in all_species() for name in one.all_names()})


def letters(name: str) -> str:
    return unicodedata.normalize("NFD", fold(name))


def plain_distance(first: str, second: str) -> int:
    """Optimal string alignment by its definition, recursively, for short texts."""
    if not first or not second:
        return len(first) + len(second)
    same = first[-1] == second[-1]
    best = min(
        plain_distance(first[:-1], second) + 1,
        plain_distance(first, second[:-1]) + 1,
        plain_distance(first[:-1], second[:-1]) + (not same),
    )
    if len(first) > 1 and len(second) > 1 and first[-2:] == second[-1] + second[-2]:
        best = min(best, plain_distance(first[:-2], second[:-2]) + 1)
    return best


@given(st.text("ab", max_size=5), st.text("ab", max_size=5), st.integers(0, 4))
def test_distance_equals_its_definition(first: str, second: str, limit: int) -> None:
    truth = plain_distance(first, second)
    assert edits(first, second, limit) == (truth if truth <= limit else None)


@pytest.mark.parametrize(
    ("typed", "id_", "kind", "away"),
    [
        ("고등어", "scomber-japonicus", "exact", 0),
        ("고둥어", "scomber-japonicus", "typo", 1),
        ("조피볼낙", "sebastes-schlegelii", "typo", 1),
        ("쥐노레미", "hexagrammos-otakii", "typo", 1),
        ("mackrel", "scomber-japonicus", "typo", 1),
        ("Scomber japonicas", "scomber-japonicus", "typo", 1),
        ("olive flonuder", "paralichthys-olivaceus", "typo", 1),
        ("bluefin tuna", "thunnus-orientalis", "part", 7),
    ],
)
def test_known_typos(typed: str, id_: str, kind: str, away: int) -> None:
    first = search(typed)[0]
    assert (first.species.id, first.kind, first.edits) == (id_, kind, away)


@pytest.mark.parametrize("typed", ["", " ", "zzzzzz", "cod?x", "ㅋ"])
def test_nothing_near(typed: str) -> None:
    assert [match for match in search(typed) if match.kind != "part"] == []


@pytest.mark.parametrize(
    ("name", "limit"),
    [("", 0), ("tuna", 0), ("shark", 1), ("mackerel", 1), ("swordfish", 2), ("a" * 15, 2),
     ("a" * 16, 3), ("연어", 0), ("고등어", 1), ("조피볼락", 2), ("긴꼬리벵에돔", 2)],
)  # fmt: skip
def test_limits_grow_with_length(name: str, limit: int) -> None:
    assert allowed_edits(name) == limit


@pytest.mark.parametrize("name", ["송어", "실어", "돌어"])
def test_names_of_two_syllables_are_never_taken_for_another_fish(name: str) -> None:
    assert [match for match in search(name) if match.kind != "part"] == []


@pytest.mark.parametrize("name", ["은어", "잉어", "빙어", "연어"])
def test_a_name_one_letter_from_others_finds_its_own_fish_alone(name: str) -> None:
    found = [match for match in search(name) if match.kind != "part"]
    assert [(match.name, match.kind) for match in found] == [(name, "exact")]


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(NAMES), st.data())
def test_one_typo_in_a_long_enough_name_still_finds_it(name: str, data: st.DataObject) -> None:
    typed = list(letters(name))
    place = data.draw(st.integers(0, len(typed) - 1))
    match data.draw(st.sampled_from(("drop", "double", "swap"))):
        case "drop":
            del typed[place]
        case "double":
            typed.insert(place, typed[place])
        case _:
            typed[place : place + 2] = reversed(typed[place : place + 2])
    misspelt = unicodedata.normalize("NFC", "".join(typed))
    if not allowed_edits(misspelt):
        return
    found = search(misspelt, at_most=len(NAMES))
    nearest = next(
        match for match in found if letters(name) in map(letters, match.species.all_names())
    )
    assert nearest.kind in ("exact", "typo")
    assert nearest.edits <= 1


TIE = """
[[species]]
id = "left"
scientific_name = "Left left"
rank = "species"
names.en = ["redfish one"]
[[species]]
id = "right"
scientific_name = "Right right"
rank = "species"
names.en = ["redfish ono"]
"""


def test_equally_near_entries_are_all_proposed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = search("redfish onx", catalogue_of(TIE))
    assert [(match.species.id, match.kind, match.edits) for match in found] == [
        ("left", "typo", 1),
        ("right", "typo", 1),
    ]
    file = tmp_path / "tie.toml"
    file.write_text(TIE, encoding="utf-8")
    assert main(["--catalogue", str(file), "redfish onx"]) == 1
    asked = capsys.readouterr().err
    assert "did you mean" in asked and "(left)" in asked and "(right)" in asked


def test_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["넙치"]) == 0
    shown = capsys.readouterr().out
    assert "Paralichthys olivaceus" in shown and "min cm 35.0" in shown and "https://" in shown
    assert main(["mackrel"]) == 0
    assert "nearest is 'mackerel'" in capsys.readouterr().out
    assert main(["노래"]) == 1
    assert "hexagrammos-otakii" in capsys.readouterr().err
    assert main(["zzzz"]) == 1
    assert main(["--gaps"]) == 0
    assert "conservation" in capsys.readouterr().out
    assert main(["--catalogue", "none.toml", "x"]) == 2
    assert "error: none.toml" in capsys.readouterr().err
