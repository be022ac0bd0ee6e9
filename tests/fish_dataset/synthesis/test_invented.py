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
from fish_dataset.synthesis.invented import CLASSES, PAIRS, SPECIES


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
