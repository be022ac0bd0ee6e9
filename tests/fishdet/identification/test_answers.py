"""Back-off, doubt and calibration on points whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from fishdet.errors import FishdetError
from fishdet.identification.answers import answer, pool
from fishdet.identification.calibration import (
    Strangers,
    fit,
    fit_temperature,
    level_sums,
    node_index,
    probabilities,
    strangers_among,
    threshold,
)
from fishdet.identification.gallery import Fitted, Gallery, Photo
from fishdet.identification.records import Group, SpeciesRecord

FAMILY = Group("family", "fam", "Family", "과")
TWIN = Group("genus", "twin", "Twin")
SPECIES = (
    SpeciesRecord("twin-a", "a", "가", groups=(TWIN, FAMILY)),
    SpeciesRecord("twin-b", "b", groups=(TWIN, FAMILY)),
    SpeciesRecord("cousin", "c", groups=(Group("genus", "other", "Other"), FAMILY)),
    SpeciesRecord("stranger", "d"),
)
ANGLES = (0.0, 0.2, 1.0, 2.5)


def at(*angles: float) -> np.ndarray:
    return np.stack([[np.cos(a), np.sin(a)] for a in angles]).astype(np.float32)


def gallery(thresholds: dict[str, float] | None = None, temperature: float = 0.02) -> Gallery:
    found = Gallery("net", embeddings=np.zeros((0, 2), np.float32))
    for record, angle in zip(SPECIES, ANGLES, strict=True):
        found = found.add(record, at(angle), [Photo(record.id, record.id)])
    return found.calibrated(Fitted(temperature, thresholds or {}))


def test_the_narrowest_rank_that_is_sure_is_claimed() -> None:
    near_a, between, wide = answer(gallery(temperature=0.005), at(-0.2, 0.1, 0.6), 0.9)
    assert (near_a.rank, near_a.id, near_a.name_ko) == ("species", "twin-a", "가")
    assert (between.rank, between.id) == ("genus", "twin")
    assert between.candidates[0][2] == pytest.approx(0.5, abs=0.01)
    assert wide.rank in ("family", "species", "genus")


def test_a_rank_is_the_sum_of_its_species() -> None:
    ids, place = node_index(SPECIES, "family")
    assert ids == ["fam", "?stranger"]
    assert level_sums(np.array([[0.4, 0.3, 0.2, 0.1]]), place, 2)[0] == pytest.approx([0.9, 0.1])
    ids, place = node_index(SPECIES, "genus")
    sums = level_sums(np.array([[0.4, 0.3, 0.2, 0.1]]), place, len(ids))
    assert dict(zip(ids, sums[0], strict=True))["twin"] == pytest.approx(0.7)


def test_what_is_like_nobody_is_only_a_fish() -> None:
    far = answer(gallery({"species": 0.9, "genus": 0.9, "family": 0.9}), at(1.75))[0]
    assert (far.rank, far.known, far.probability) == ("fish", False, 1.0)
    wrasse = answer(gallery({"species": 0.99, "genus": 0.99, "family": 0.5}), at(0.6), 0.9)[0]
    assert (wrasse.rank, wrasse.name, wrasse.known) == ("family", "Family", False)


def test_no_claim_of_a_rank_without_a_name() -> None:
    one = answer(gallery({"species": 1.1, "genus": -1.0, "family": -1.0}), at(2.5))[0]
    assert one.rank == "fish"  # 'stranger' has no genus or family to fall back on


def test_temperature_is_found_again() -> None:
    rng = np.random.default_rng(0)
    similarities = rng.uniform(0, 1, (4000, 5))
    chances = probabilities(similarities, 0.15)
    truth = np.array([rng.choice(5, p=row) for row in chances])
    assert fit_temperature(similarities, truth) == pytest.approx(0.15, rel=0.15)


def test_thresholds_keep_the_rate_of_false_claims() -> None:
    rng = np.random.default_rng(1)
    found = gallery()
    truth = np.repeat(np.arange(4), 25)
    crops = at(*(np.array(ANGLES)[truth] + rng.normal(0, 0.05, 100)))
    strangers = at(*rng.uniform(0, 3, 200))
    similarities = found.similarities(np.concatenate([crops, strangers]))
    truth = np.concatenate([truth, np.full(200, -1)])
    own = [SPECIES[t] if t >= 0 else SpeciesRecord("x", "x") for t in truth.tolist()]
    fitted = fit(similarities, truth, SPECIES, strangers_among(similarities, truth, own), 0.1)
    wrong = similarities[100:].max(1) >= fitted.thresholds["species"]
    assert wrong.sum() == 20  # exactly the allowed tenth
    assert fitted.on["strangers"] == 200 and not fitted.on["promised"]  # of one species
    known = strangers_among(similarities[:100], truth[:100], own[:100])
    alone = fit(similarities[:100], truth[:100], SPECIES, known, 0.1)
    assert alone.on["how"] == "each crop's own species taken out" and not alone.on["promised"]
    # without its species a twin is like the other twin, and rightly of its genus
    assert alone.thresholds["genus"] <= alone.thresholds["species"]
    with pytest.raises(FishdetError, match="at least 2 species and 10"):
        fit(similarities[:5], truth[:5], SPECIES, known, 0.1)
    with pytest.raises(FishdetError, match="between 0 and 1"):
        fit(similarities, truth, SPECIES, known, 1.5)


def test_the_rate_holds_on_a_species_that_the_fit_never_saw() -> None:
    rng = np.random.default_rng(0)

    def draw(species: int) -> tuple[np.ndarray, np.ndarray]:
        sizes = rng.integers(2, 60, species)  # fish of a species are alike: they share a level
        owner = np.repeat(np.arange(species), sizes)
        return rng.normal(0, 1, species)[owner] + rng.normal(0, 0.3, len(owner)), owner

    promised, plain = [], []
    for _ in range(400):
        scores, owner = draw(24)
        new, of = draw(20)
        weights = 1 / np.bincount(of)[of] / 20
        promised.append((weights * (new >= threshold(scores, owner, 0.1))).sum())
        plain.append((weights * (new >= np.quantile(scores, 0.9))).sum())
    assert 0.05 < np.mean(promised) <= 0.1 < np.mean(plain)


def test_a_stranger_that_is_claimed_rightly_counts_as_never_wrong() -> None:
    scores, owner = np.array([-np.inf, -np.inf, 0.5, 0.4]), np.array([0, 0, 1, 1])
    assert threshold(scores, owner, 0.7) == -1.0
    assert threshold(scores, owner, 0.5) == pytest.approx(0.4, abs=1e-6)


def test_leaving_species_out_says_what_to_expect() -> None:
    points = np.linspace(0, 1, 40)
    similarities = np.stack([points, points - 0.1], 1).astype(np.float32)
    own = tuple(SpeciesRecord(f"new-{k % 40 // 4}", "new") for k in range(40))
    fitted = fit(
        np.concatenate([similarities, np.eye(2, dtype=np.float32)[[0, 1] * 10]]),
        np.r_[np.full(40, -1), [0, 1] * 10],
        SPECIES[:2],
        Strangers(similarities, own, False, "new"),
        0.1,
    )
    assert fitted.on["stranger_species"] == 10 and fitted.on["promised"]
    assert fitted.on["left_out"] == {"mean": pytest.approx(0.1), "worst": 1.0}
    assert fitted.on["strangers"] == 40


def test_views_of_one_fish_are_pooled() -> None:
    pooled = pool(at(0.0, 0.4, 2.0), [[0, 1], [2]])
    assert pooled == pytest.approx(at(0.2, 2.0), abs=1e-6)
