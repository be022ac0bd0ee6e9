"""The invented cast: apart from the built-in set, in pairs, with ranks that a catalogue reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fish_dataset.catalogue import catalogue, lineage
from fish_dataset.coco import read_coco
from fish_dataset.errors import FishDataError
from fish_dataset.synthesis import ensure_dataset
from fish_dataset.synthesis.fish import draw_texture
from fish_dataset.synthesis.folder import Spec
from fish_dataset.synthesis.invented import CLASSES, PAIRS, SPECIES, further_species


def test_the_built_in_set_is_the_one_before_there_were_casts() -> None:
    assert Spec().record()["hash"].startswith("8cf278f9ade344e7")
    assert Spec(cast="invented").record()["hash"] != Spec().record()["hash"]
    with pytest.raises(FishDataError, match="there are builtin, invented"):
        Spec(cast="real")


def test_a_pair_shares_its_shape_and_differs_when_drawn() -> None:
    assert len(CLASSES) == len(set(CLASSES)) == 28 and len(PAIRS) == 14
    for one, other in zip(SPECIES[::2], SPECIES[1::2], strict=True):
        assert (one.top, one.bottom, one.shades) == (other.top, other.bottom, other.shades)
        drawn = [draw_texture(plan, 80, np.random.default_rng(0)).pixels for plan in (one, other)]
        assert drawn[0].shape == drawn[1].shape
        assert np.abs(drawn[0] - drawn[1]).max() > 0.15


def test_a_set_brings_its_ranks(tmp_path: Path) -> None:
    root = ensure_dataset(
        tmp_path / "set", train=4, val=2, size=64, cast="invented", workers=1, progress=False
    )
    data, _ = read_coco(root / "train.json", image_dir=root / "images")
    assert data.classes == CLASSES
    found = catalogue(root / "catalogue.toml")
    ranks = [one.rank for one in lineage(found.by_name["barredtinfin"], found)]
    assert ranks[:2] == ["genus", "family"]
    again = ensure_dataset(
        tmp_path / "set", train=4, val=2, size=64, cast="invented", workers=1, progress=False
    )
    assert again == root


def test_further_species_follow_and_change_nothing_before_them(tmp_path: Path) -> None:
    options = {"train": 4, "val": 2, "size": 64, "cast": "invented", "progress": False}
    plain = ensure_dataset(tmp_path / "plain", workers=1, **options)  # type: ignore[arg-type]
    wide = ensure_dataset(tmp_path / "wide", workers=1, further=8, pairs=3, **options)  # type: ignore[arg-type]
    before, _ = read_coco(plain / "train.json", image_dir=plain / "images")
    after, _ = read_coco(wide / "train.json", image_dir=wide / "images")
    assert after.classes[:28] == CLASSES and len(after.classes) == 34
    assert after.num_images == before.num_images + 8
    for name in before.file_names:
        assert (plain / "images" / name).read_bytes() == (wide / "images" / name).read_bytes()
    count = before.num_boxes
    assert np.array_equal(after.bboxes[:count], before.bboxes)
    assert np.array_equal(after.labels[:count], before.labels)
    assert after.labels[count:].min() >= 28  # nobody of the first cast among the further ones
    val, _ = read_coco(wide / "val.json", image_dir=wide / "images")
    assert val.labels.max() < 28
    found = catalogue(wide / "catalogue.toml")
    ranks = [one.rank for one in lineage(found.by_name["firstfurther001"], found)]
    assert ranks[:2] == ["genus", "family"]


def test_further_pairs_are_apart_from_each_other_and_the_same_again() -> None:
    plans = further_species(12)
    assert further_species(5) == plans[:10]
    assert len({plan.name for plan in plans}) == 24 and not {p.name for p in plans} & set(CLASSES)
    for one, other in zip(plans[::2], plans[1::2], strict=True):
        assert (one.top, one.bottom, one.shades) == (other.top, other.bottom, other.shades)
        assert (one.marks, one.fins) != (other.marks, other.fins)
    with pytest.raises(FishDataError, match="both go together"):
        Spec(cast="invented", further=4)
    with pytest.raises(FishDataError, match="both go together"):
        Spec(cast="builtin", further=4, pairs=2)
