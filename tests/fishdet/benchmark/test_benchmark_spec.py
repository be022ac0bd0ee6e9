"""Benchmark files and flags: what is read, and what is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fishdet.benchmark.spec import from_flags, read_spec
from fishdet.errors import FishdetError

GOOD = """
seeds = [3, 5]
checkpoint = "best"
[[models]]
name = "small"
config = "a.py"
epochs = 2
img_scale = [640, 480]
cfg_options = { "train_dataloader.batch_size" = 4 }
[[data]]
path = "reef"
train_images = [10, 20]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_text("")
    return tmp_path


def test_a_file_gives_models_sizes_and_seeds(folder: Path) -> None:
    (folder / "b.toml").write_text(GOOD)
    spec = read_spec(folder / "b.toml")
    (model,) = spec.models
    assert (model.name, model.epochs, model.img_scale) == ("small", 2, (640, 480))
    assert model.config == folder / "a.py"
    assert model.cfg_options == {"train_dataloader.batch_size": 4}
    assert [(d.name, d.train_images) for d in spec.data] == [("reef-10", 10), ("reef-20", 20)]
    assert spec.seeds == (3, 5)
    assert spec.checkpoint == "best"


def test_json_says_the_same_as_toml(folder: Path) -> None:
    table = {"models": [{"config": "a.py"}], "data": [{"path": "reef"}]}
    (folder / "b.json").write_text(json.dumps(table))
    spec = read_spec(folder / "b.json")
    assert spec == from_flags(None, [folder / "a.py"], [folder / "reef"], None, None, None)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epochs = 2", "epochs = 0", "epochs = 0"),
        ("epochs = 2", "epoch = 2", "unknown epoch;"),
        ("[640, 480]", "[640]", r"img_scale = \[640\]"),
        ("seeds = [3, 5]", "seeds = [3, 3]", "3 stands there twice"),
        ("seeds = [3, 5]", "seeds = [-1]", "give whole numbers from 0"),
        ("[10, 20]", "[10, 10]", "reef-10 stands there twice"),
        ("[10, 20]", "[0]", "train_images"),
        ('"small"', '"a/b"', "name 'a/b'"),
        ('"small"', '"a__b"', "name 'a__b'"),
        ('"a.py"', '"none.py"', "no such file"),
        ('path = "reef"', "", "names no path"),
        ("[[data]]", "[[dat]]", "unknown dat"),
        ('"best"', '"first"', "checkpoint = 'first'"),
        ("seeds", "seeds seeds", "is not TOML"),
    ],
)
def test_mistakes_are_named(folder: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    (folder / "b.toml").write_text(GOOD.replace(old, new, 1))
    with pytest.raises(FishdetError, match=message):
        read_spec(folder / "b.toml")


def test_a_file_and_flags_at_once_are_refused(folder: Path) -> None:
    with pytest.raises(FishdetError, match="and flags"):
        from_flags(folder / "b.toml", None, None, [1], None, None)
    with pytest.raises(FishdetError, match="give a benchmark file"):
        from_flags(None, None, None, None, None, None)
