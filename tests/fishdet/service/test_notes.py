"""Every sentence of the catalogue that a card shows is there in Korean, with the same figures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from fish_dataset.catalogue import Species, all_species
from fishdet.service.page import contents

PAIR = re.compile(r'^  ("(?:[^"\\]|\\.)*"): ("(?:[^"\\]|\\.)*"),$', re.MULTILINE)


def korean() -> dict[str, str]:
    text = contents()["notes.js"][0].decode()
    pairs = {json.loads(key): json.loads(value) for key, value in PAIR.findall(text)}
    assert len(pairs) == len(re.findall(r"^  \"", text, re.MULTILINE))  # none is overlooked
    return pairs


def terms() -> set[str]:
    text = contents()["facts.js"][0].decode().split("const TERMS = {")[1].split("\n};")[0]
    return {bare or quoted for quoted, bare in re.findall(r'(?:"([^"]+)"|\b(\w+)): \[', text)}


def sentences(one: Species) -> Iterator[str]:
    yield from (similar.tell for similar in one.similar)
    for danger in one.danger:
        yield from (danger.kind, danger.note)
    for season in one.season:
        yield from (season.event, season.where)
    if one.size:
        yield one.size.measure
    if one.habitat:
        yield from (one.habitat.zone, *one.habitat.waters)
    if one.korea_law:
        law = one.korea_law
        yield from (law.note, law.females, law.measure, *(days.note for days in law.closed))


def test_every_sentence_is_there_in_korean() -> None:
    shown = {text for one in all_species() for text in sentences(one) if text}
    known = set(korean())
    assert shown - known - terms() == set()
    assert known - shown == set()  # and none that nobody shows


def test_translations_keep_the_figures() -> None:
    for english, translated in korean().items():
        assert re.search("[가-힣]", translated), english
        assert sorted(re.findall(r"\d+", english)) == sorted(re.findall(r"\d+", translated))
