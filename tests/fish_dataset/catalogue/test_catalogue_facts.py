"""The facts that the package's catalogue holds: sourced, unique, linked, plausible."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest

from fish_dataset.catalogue import all_species, catalogue, find, is_ancestor, lineage, members
from fish_dataset.catalogue.gaps import count_gaps, filled
from fish_dataset.catalogue.species import Species

SPECIES = [one for one in all_species() if one.rank == "species"]


def without_source(one: Species) -> list[str]:
    return [f"{one.id}: {field}" for field in filled(one) if not one.sources.get(field)]


def test_every_fact_has_a_source() -> None:
    assert [fault for one in all_species() for fault in without_source(one)] == []


def test_a_fact_without_a_source_would_be_found() -> None:
    mackerel = find("고등어")
    assert mackerel
    kept = {field: cited for field, cited in mackerel.sources.items() if field != "size"}
    assert without_source(replace(mackerel, sources=kept)) == ["scomber-japonicus: size"]


def test_every_source_has_an_address_and_a_day() -> None:
    sources = {
        source for one in all_species() for cited in one.sources.values() for source in cited
    }
    assert len(sources) >= 20
    for source in sources:
        assert source.title
        assert re.fullmatch(r"https?://\S+", source.url)
        assert date(2026, 11, 1) <= date.fromisoformat(source.accessed) <= date(2026, 12, 31)


def test_there_are_at_least_120_species_korean_ones_first() -> None:
    assert len(SPECIES) >= 200
    assert sum(bool(one.names.get("ko")) for one in SPECIES) >= 160


def test_ids_names_and_aphia_ids_are_unique() -> None:
    entries = all_species()
    assert len({one.id for one in entries}) == len(entries)
    aphia = [one.aphia_id for one in entries if one.aphia_id is not None]
    assert len(set(aphia)) == len(aphia) >= 180
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", one.id) for one in entries)


def test_binomials_and_lineage() -> None:
    for one in SPECIES:
        assert re.fullmatch(r"[A-Z][a-z]+ [a-z]+", one.scientific_name), one.id
        wide = [above.rank for above in lineage(one)]
        assert "family" in wide and "order" in wide and "class" in wide, one.id


def test_all_fishes_belong_to_fish_and_squids_do_not() -> None:
    fish = find("fish")
    assert fish is not None
    outside = {one.id for one in SPECIES if not is_ancestor(fish, one)}
    assert outside == {
        "todarodes-pacificus", "enteroctopus-dofleini", "amphioctopus-fangsiao", "octopus-minor",
        "portunus-trituberculatus", "chionoecetes-opilio", "chionoecetes-japonicus",
        "octopus-vulgaris", "acanthosepion-esculentum", "sepioteuthis-lessoniana",
        "uroteuthis-edulis",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wide", "narrow", "belongs"),
    [
        ("Scombridae", "고등어", True),
        ("Sparidae", "참돔", True),
        ("shark", "청새리상어", True),
        ("stingray", "노랑가오리", True),
        ("shark", "노랑가오리", False),
        ("고등어", "Scombridae", False),
        ("고등어", "고등어", False),
        ("tuna", "참다랑어", True),
        ("Epinephelus", "붉바리", True),
    ],
)
def test_who_belongs_to_whom(wide: str, narrow: str, belongs: bool) -> None:
    above, below = find(wide), find(narrow)
    assert above and below
    assert is_ancestor(above, below) is belongs
    assert (below in members(above)) is belongs


# Limits that the Ministry of Oceans and Fisheries published (2026) and the press reported (2021).
@pytest.mark.parametrize(
    ("name", "least"),
    [("넙치", 35), ("조피볼락", 23), ("감성돔", 25), ("참돔", 24), ("고등어", 21), ("갈치", 18),
     ("대구", 35), ("문치가자미", 20), ("볼락", 15), ("붕장어", 35), ("살오징어", 15)],
)  # fmt: skip
def test_minimum_sizes_of_korea(name: str, least: float) -> None:
    species = find(name)
    assert species and species.korea_law
    assert species.korea_law.min_cm == least


def test_closed_season_over_new_year() -> None:
    species = find("문치가자미")
    assert species and species.korea_law
    (closed,) = species.korea_law.closed
    assert (closed.first, closed.last) == ("12-01", "01-31")


def test_dangers_and_similar_species() -> None:
    for name in ("쑤기미", "미역치", "독가시치", "쏠종개", "노랑가오리"):
        species = find(name)
        assert species and species.danger[0].kind == "venom"
    greenling, fat = find("노래미"), find("쥐노래미")
    assert greenling and fat
    assert fat.id in [similar.id for similar in greenling.similar]
    assert greenling.id in [similar.id for similar in fat.similar]


# FishBase's diagnosis of Seriola quinqueradiata, and the Red List's tables of 2025.
def test_amberjacks_are_told_apart_by_the_upper_jaw() -> None:
    yellowtail, lalandi = find("방어"), find("부시리")
    assert yellowtail and lalandi
    tells = {one.id: one.tell for one in yellowtail.similar}
    assert tells[lalandi.id].startswith("angular")
    assert {one.id: one.tell for one in lalandi.similar}[yellowtail.id].startswith("rounded")


@pytest.mark.parametrize(
    ("name", "category", "year"),
    [("뱀장어", "EN", 2020), ("눈다랑어", "VU", 2021), ("참다랑어", "NT", 2021),
     ("고등어", "LC", 2023), ("돌묵상어", "EN", 2021), ("까치상어", "EN", None)],
)  # fmt: skip
def test_red_list_categories(name: str, category: str, year: int | None) -> None:
    species = find(name)
    assert species and species.conservation
    assert (species.conservation.iucn, species.conservation.year) == (category, year)


@pytest.mark.parametrize(
    ("name", "scientific"),
    [("잉어", "Cyprinus carpio"), ("메기", "Silurus asotus"), ("가물치", "Channa argus"),
     ("은어", "Plecoglossus altivelis"), ("빙어", "Hypomesus nipponensis"),
     ("산천어", "Oncorhynchus masou"), ("누치", "Hemibarbus labeo"), ("꺽지", "Coreoperca herzi"),
     ("미꾸라지", "Misgurnus mizolepis"), ("돌문어", "Octopus vulgaris"),
     ("한치", "Uroteuthis edulis"), ("고도리", "Scomber japonicus"), ("큰입배스",
      "Micropterus salmoides")],
)  # fmt: skip
def test_fresh_water_and_market_names(name: str, scientific: str) -> None:
    species = find(name)
    assert species and species.scientific_name == scientific


def test_a_species_that_disturbs_ecosystems_says_so() -> None:
    bass = find("배스")
    assert bass and bass.korea_law and "since 1998" in bass.korea_law.note


def test_sizes_and_depths_are_plausible() -> None:
    for one in SPECIES:
        if one.size and one.size.max_cm:
            assert 2 <= one.size.max_cm <= 1600, one.id
        if one.habitat and one.habitat.depth_m:
            shallow, deep = one.habitat.depth_m
            assert 0 <= shallow <= deep <= 3000, one.id


def test_gaps_count_what_is_missing() -> None:
    gaps = count_gaps(catalogue().entries)
    missing, total = gaps["names.ko"]
    assert total == len(SPECIES)
    assert missing == sum(not one.names.get("ko") for one in SPECIES)
