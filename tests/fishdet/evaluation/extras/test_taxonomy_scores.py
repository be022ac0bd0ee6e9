"""Taxonomic scores on species whose place in the tree is known."""

from __future__ import annotations

import numpy as np
import pytest

from fish_dataset.catalogue import Species
from fishdet.evaluation.extras import lineage
from fishdet.evaluation.extras.lineage import LEVELS, taxa_of
from fishdet.evaluation.extras.taxonomy import Named, name_boxes, taxonomic_scores

# two snappers; a mangrove jack of the same genus; a jack of another order; a penguin
CLASSES = ("Lutjanus russellii", "Caranx sexfasciatus", "Gerres", "penguin", "sea monster")


def _named(truth, given, false=(), missed=()):
    return Named(*(np.array(side, np.int64) for side in (truth, given, false, missed)))


def test_levels_of_real_lineages():
    taxa = taxa_of(CLASSES)
    assert taxa.known.tolist() == [True, True, True, True, False]
    level = {(i, j): LEVELS[taxa.levels[i, j]] for i in range(5) for j in range(5)}
    assert level[0, 0] == level[4, 4] == "species"
    assert level[0, 1] == "class"  # Acanthuriformes and Carangiformes, both Actinopterygii
    assert level[0, 2] == "order"  # Lutjanidae and Gerreidae, both Acanthuriformes
    assert level[0, 3] == "nothing"  # a bird
    assert level[0, 4] == "nothing"
    assert (taxa.levels == taxa.levels.T).all()


def test_genus_is_read_from_the_name_where_no_entry_tells_it():
    taxa = taxa_of(("Scomber japonicus", "Scomber australasicus", "Scomberomorus niphonius"))
    assert taxa.known.all()
    assert LEVELS[taxa.levels[0, 1]] == "genus"
    assert LEVELS[taxa.levels[0, 2]] == "family"


def test_an_own_entry_need_have_no_latin_name(monkeypatch):
    known = {"one": Species("one", "", "species"), "other": Species("other", "", "species")}
    monkeypatch.setattr(lineage, "find", known.get)
    taxa = lineage.taxa_of(("one", "other"))
    assert taxa.known.all() and LEVELS[taxa.levels[0, 1]] == "nothing"


def test_a_wider_class_is_a_level_too():
    taxa = taxa_of(("fish", "Caranx sexfasciatus", "shark", "penguin"))
    assert LEVELS[taxa.levels[0, 1]] == "group" and LEVELS[taxa.levels[0, 3]] == "nothing"
    assert LEVELS[taxa.levels[2, 1]] == "group"


def test_scores_by_hand():
    # sizes without the common root: russellii 5 (itself, genus, family, order, class, fish)
    taxa = taxa_of(CLASSES[:3])
    scores = taxonomic_scores(
        CLASSES[:3], _named([0, 0, 0, 1], [0, 2, 1, 1], false=[1], missed=[2])
    )
    assert scores["matched"] == 4
    assert scores["levels"] == {"species": 2, "genus": 0, "family": 0, "order": 1, "class": 1,
                                "group": 0, "nothing": 0}  # fmt: skip
    assert scores["accuracy"] == {"species": 0.5, "genus": 0.5, "family": 0.5, "order": 0.75,
                                  "class": 1.0}  # fmt: skip
    assert scores["mistake_severity"] == pytest.approx(3.5)  # order 3, class 4
    assert scores["hierarchical_distance"] == pytest.approx(7 / 4)
    # lines without the class and 'fish', which all share: species, genus, family, order; Gerres 3
    assert taxa.sizes.tolist() == [4, 4, 3]
    shared, given, truth = 4 + 1 + 0 + 4, 4 + 3 + 4 + 4 + 4, 4 + 4 + 4 + 4 + 3
    assert scores["hP"] == pytest.approx(shared / given)
    assert scores["hR"] == pytest.approx(shared / truth)
    assert scores["hF"] == pytest.approx(2 * shared / (given + truth))


def test_a_nearer_mistake_is_less_severe():
    def severity(given):
        return taxonomic_scores(CLASSES, _named([0], [given]))["mistake_severity"]

    assert severity(2) < severity(1) < severity(3)


def test_unknown_species_are_named_and_left_out():
    scores = taxonomic_scores(CLASSES, _named([4, 0], [0, 0], false=[4], missed=[4, 1]))
    assert scores["unknown_species"] == ["sea monster"]
    assert scores["matched"] == 1
    assert scores["left_out"] == 4  # box and detection of one pair, a false and a missed one
    nothing = taxonomic_scores(("x1", "x2"), _named([0], [1]))
    assert nothing["hF"] is None and nothing["mistake_severity"] is None


def test_boxes_are_named_by_the_best_detection_of_any_class(make_annotations, make_detections):
    annotations = make_annotations(
        [(0, 0, 0, 0, 50, 50), (0, 1, 100, 0, 50, 50), (0, 2, 200, 0, 50, 50)], 1
    )
    found = make_detections(
        [
            (0, 1, 0.9, 0, 0, 50, 50),  # the salmon is called an eel,
            (0, 0, 0.8, 0, 0, 50, 50),  # and its right name comes second
            (0, 1, 0.7, 100, 0, 50, 50),
            (0, 2, 0.2, 200, 0, 50, 50),  # below its threshold
        ]
    )
    named = name_boxes(annotations, found, [0.5, 0.5, 0.5], 100)
    assert sorted(zip(named.truth.tolist(), named.given.tolist(), strict=True)) == [(0, 1), (1, 1)]
    assert named.false.tolist() == [0] and named.missed.tolist() == [2]
