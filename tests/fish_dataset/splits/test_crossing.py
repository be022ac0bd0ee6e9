"""Sites that a split by video parts are told with counts."""

from __future__ import annotations

import numpy as np
import pytest

from fish_dataset.errors import FishDataError
from fish_dataset.files import require_new_folder
from fish_dataset.splits.crossing import crossing_notes
from fish_dataset.splits.plan import plan_folds, plan_split
from fish_dataset.splits.pooling import pool_folder


def test_counts_of_sites_on_two_sides(document, write, draw, tmp_path):
    """Sites A, A, B of pictures 0 to 2, of videos of their own; A is parted."""
    for image, site, video in zip(document["images"], "AAB", "xyz", strict=True):
        image.update(site=site, video=video)
    write(document, "set/train.json")
    draw(tmp_path / "set" / "images", ["a.png", "b.png", "c.png"])
    data = pool_folder(tmp_path / "set").part.annotations
    parts = {"train": np.array([0, 2]), "val": np.array([1])}
    (note,) = crossing_notes(data, parts, None)
    assert note.startswith("warning: 1 of 2 sites stand in several parts (such as 'A')")
    assert "1 of 2 in train, 1 of 1 in val" in note and "--by site" in note
    assert crossing_notes(data, {"train": np.array([0, 1]), "val": np.array([2])}, None) == []
    assert crossing_notes(data, parts, ["video", "site"]) == []
    (by_image,) = crossing_notes(data, parts, ["image"])
    assert "sites" in by_image


def test_the_default_split_of_a_set_with_sites_warns(fishdet_data):
    pool = pool_folder(fishdet_data / "deepfish")
    sites = np.array(list(pool.part.annotations.image_meta["site"]))
    plan = plan_split(pool)
    parted = [s for s in set(sites) if sum(s in sites[rows] for rows in plan.parts.values()) > 1]
    (warning,) = [note for note in plan.notes if note.startswith("warning: ")]
    assert parted and f"{len(parted)} of {len(set(sites))} sites" in warning
    assert any("sites stand" in note for note in plan_folds(pool, 3).notes)
    assert not any("stand in" in note for note in plan_split(pool, by=["site"]).notes)


def test_a_place_that_cannot_be_written_is_refused_at_the_start(tmp_path, monkeypatch):
    """Whatever the permission bits say: the folder is tried."""
    with pytest.raises(FishDataError, match="name too long|File name too long"):
        require_new_folder(tmp_path / ("x" * 250))  # its temporary name has over 255 letters
    with pytest.raises(FishDataError, match="cannot be made"):
        require_new_folder("/proc/out")
    monkeypatch.setattr("pathlib.Path.is_mount", lambda path: path.name == "disk")
    (tmp_path / "disk").mkdir()
    with pytest.raises(FishDataError, match="disk is mounted"):
        require_new_folder(tmp_path / "disk")
    assert require_new_folder(tmp_path / "new") == tmp_path / "new"
    assert [path.name for path in tmp_path.iterdir()] == ["disk"]
