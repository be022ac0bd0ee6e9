"""Corrections become a data set that training reads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fish_dataset.errors import FishDataError
from fish_dataset.files import read_json
from fish_dataset.folder import read_folder
from fishdet.errors import FishdetError
from fishdet.service.export import ExportOptions, export_feedback
from fishdet.service.feedback import FeedbackStore

ROOT = Path(__file__).resolve().parents[3]
PAPERS = {"model": "a" * 64, "consent": "picture-and-boxes-for-training-v1"}


def box(species: str, bbox: Any = (10, 12, 30, 20), origin: str = "renamed") -> dict[str, Any]:
    return {"bbox": list(bbox), "species": species, "origin": origin}


def pixels(shade: int) -> np.ndarray:
    noise = np.random.default_rng(shade).integers(0, 255, (6, 8, 3))
    return np.kron(noise, np.ones((10, 10, 1))).astype(np.uint8)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Three pictures, one of them corrected twice."""
    path = tmp_path / "corrections.sqlite"
    store = FeedbackStore(path)
    sure = [box("scomber-japonicus", origin="model"), box("참돔", (-0.5, 1, 20.5, 20))]
    store.add(pixels(1), sure, least_chance=0.9, **PAPERS)
    store.add(pixels(2), [box("sea dragon"), box("fish", (40, 30, 20, 20), "added")],
              least_chance=0.2, **PAPERS)  # fmt: skip
    for name in ("eel", "mackerel"):
        store.add(pixels(3), [box(name)], least_chance=0.5, **PAPERS)
    store._db.execute(
        "UPDATE corrections SET created='2026-01-01T00:00:00' WHERE boxes LIKE '%eel%'"
    )
    store._db.commit()
    store.close()
    return path


def test_every_correction_is_accounted_for(database: Path, tmp_path: Path) -> None:
    account = export_feedback(database, tmp_path / "out", ExportOptions())
    assert dict(account.boxes) == {
        "mackerel": 2, "red seabream": 1, "sea dragon": 1, "fish": 1,
    }  # fmt: skip
    assert account.not_in_catalogue == ["sea dragon"]
    assert (account.superseded, account.clipped, account.ignored) == (1, 1, 0)
    part = read_folder(tmp_path / "out")["train"]
    data = part.annotations
    assert [one["least_chance"] for one in account.pictures] == [0.2, 0.5, 0.9]
    assert list(data.image_ids) == [1, 2, 3]  # in that order
    first = data.boxes_of(2)
    assert data.bboxes[first].tolist() == [[10, 12, 30, 20], [0, 1, 20, 20]]
    assert set(data.image_meta["source"]) == {"feedback"}
    assert len(list((tmp_path / "out/images").iterdir())) == 3
    assert read_json(tmp_path / "out/feedback.json")["superseded"] == 1


def test_classes_of_another_set(database: Path, drawn_data: Path, tmp_path: Path) -> None:
    with pytest.raises(FishdetError, match="no class fish, sea dragon"):
        export_feedback(database, tmp_path / "out", ExportOptions(like=drawn_data))
    assert not (tmp_path / "out").exists()
    store = FeedbackStore(database)
    with store._db:
        store._db.execute("DELETE FROM corrections WHERE boxes LIKE '%dragon%'")
    store.add(pixels(4), [box("fish")], least_chance=0.3, **PAPERS)
    store.close()
    options = ExportOptions(like=drawn_data, ignore_unnamed=True)
    account = export_feedback(database, tmp_path / "out", options)
    data = read_folder(tmp_path / "out")["train"].annotations
    assert data.classes == read_folder(drawn_data)["train"].annotations.classes
    assert data.ignore.sum() == account.ignored == 1
    named = {data.classes[label] for label in data.labels[~data.ignore]}
    assert named == {"mackerel", "red seabream"}


def test_the_command_line(database: Path, tmp_path: Path) -> None:
    def call(*arguments: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "tools/dataset/export_feedback.py", *map(str, arguments)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    done = call(database, tmp_path / "out", "--limit", 1)
    assert done.returncode == 0, done.stderr
    assert "pictures: 1, boxes: 2" in done.stdout
    assert "2 pictures left out by --limit" in done.stdout
    again = call(database, tmp_path / "out")
    assert again.returncode == 2 and "holds files already" in again.stderr
    none = call(tmp_path / "no.sqlite", tmp_path / "two")
    assert none.returncode == 2 and none.stderr.count("\n") == 1


def test_nothing_to_export(tmp_path: Path) -> None:
    FeedbackStore(tmp_path / "empty.sqlite").close()
    with pytest.raises(FishdetError, match="no corrections yet"):
        export_feedback(tmp_path / "empty.sqlite", tmp_path / "out", ExportOptions())
    with pytest.raises(FishDataError, match="holds files"):
        export_feedback(tmp_path / "empty.sqlite", tmp_path, ExportOptions())
