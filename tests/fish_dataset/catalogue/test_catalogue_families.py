"""Korean names of families: they lead to the family, and its species belong to it."""

from __future__ import annotations

import pytest

from fish_dataset.catalogue import find, is_ancestor


@pytest.mark.parametrize(
    ("korean", "latin", "species"),
    [
        ("전갱이과", "Carangidae", "방어"),
        ("전갱잇과", "Carangidae", "전갱이"),
        ("고등어과", "Scombridae", "고등어"),
        ("도미과", "Sparidae", "참돔"),
        ("양볼락과", "Scorpaenidae", "조피볼락"),
        ("쥐노래미과", "Hexagrammidae", "쥐노래미"),
        ("넙치과", "Paralichthyidae", "광어"),
        ("가자미과", "Pleuronectidae", "문치가자미"),
        ("연어과", "Salmonidae", "연어"),
        ("뱀장어과", "Anguillidae", "장어"),
        ("잉어목", "Cypriniformes", "붕어"),
    ],
)
def test_a_family_is_found_by_its_korean_name(korean: str, latin: str, species: str) -> None:
    family, member = find(korean), find(species)
    assert family and member
    assert family.scientific_name == latin
    assert is_ancestor(family, member)
