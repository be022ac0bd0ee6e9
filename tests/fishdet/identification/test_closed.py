"""Naming scores against counts by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fishdet.identification.answers import Answer
from fishdet.identification.closed import claims, closed_set, distances
from fishdet.identification.gallery import Gallery, Photo
from fishdet.identification.records import record_of

NAMES = ("mackerel", "eel", "my fish")


def gallery() -> Gallery:
    found = Gallery("net", embeddings=np.zeros((0, 3), np.float32))
    for name, point in zip(NAMES, np.eye(3, dtype=np.float32), strict=True):
        found = found.add(record_of(name, own=True), point[None], [Photo(name, name)])
    return found


def test_distances_count_what_the_catalogue_knows() -> None:
    truth, said = np.array([0, 0, 1, 2, 1]), np.array([0, 1, 1, 2, 2])
    found = distances(gallery(), said, truth, np.arange(5))
    assert found["left_out"] == 2 and found["matched"] == 3
    severity = found["mistake_severity"]
    # one mistake, in each resample that has it: no interval to speak of
    assert severity["low"] == severity["value"] == severity["high"] > 2
    assert found["hierarchical_distance"]["value"] == pytest.approx(severity["value"] / 3)


def test_scores_of_known_species_by_hand() -> None:
    truth = np.array([0, 0, 1, 1])
    raw = np.array([[0.9, 0.1, 0], [0.6, 0.4, 0], [0.7, 0.3, 0], [0.2, 0.8, 0]])
    report = closed_set(gallery(), truth, np.arange(4), raw, raw)
    assert report["top1"]["value"] == 0.75 and report["top5"]["value"] == 1
    assert report["accuracy_at_coverage"]["50%"]["value"] == 1
    assert report["aurc"]["value"] == pytest.approx((0 + 0 + 1 / 3 + 1 / 4) / 4)
    for key in ("top1", "macro_top1", "ece_before", "aurc"):
        assert report[key]["low"] <= report[key]["value"] <= report[key]["high"]


def test_answers_are_right_at_their_own_rank() -> None:
    chub, eel = record_of("mackerel"), record_of("eel")
    family = next(group for group in chub.groups if group.rank == "family")

    def said(rank: str, key: str) -> Answer:
        return Answer(rank, key, key, "", 0.9, True, 0.9, ())

    answers = [said("species", chub.id), said("species", eel.id), said("family", family.id)]
    found = claims([*answers, said("fish", "fish")], [chub, chub, chub, eel])
    assert found["species"] == {"fish": 2, "right": 0.5}
    assert found["family"] == {"fish": 1, "right": 1.0}
    assert found["fish"]["fish"] == 1 and found["genus"]["fish"] == 0
