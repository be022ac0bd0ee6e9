"""Data sets of a benchmark: the drawn set by name, and annotation files of other names."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from fish_dataset.layout import find_splits
from fishdet.benchmark import data as data_module
from fishdet.benchmark.data import BUILTIN_CONFIG, settle
from fishdet.benchmark.runs import only, runs_of
from fishdet.benchmark.spec import DataSpec, Spec, make_spec, read_spec
from fishdet.config import load_config
from fishdet.errors import FishdetError

ROOT = Path(__file__).resolve().parents[3]
FILES = {"train": "train_random.json", "val": "val_random.json"}


@pytest.fixture
def two_splits(drawn_data: Path, tmp_path: Path) -> Path:
    """A folder with a second pair of annotation files: the first three pictures of each."""
    folder = tmp_path / "reef"
    shutil.copytree(drawn_data, folder)
    for split, name in FILES.items():
        document = json.loads((drawn_data / f"{split}.json").read_text())
        document["images"] = document["images"][:3]
        kept = {image["id"] for image in document["images"]}
        document["annotations"] = [a for a in document["annotations"] if a["image_id"] in kept]
        (folder / name).write_text(json.dumps(document))
    return folder


def spec_of(folder: Path | str, tiny_config: Path, **more: object) -> Spec:
    table = {
        "models": [{"name": "tiny", "config": str(tiny_config)}],
        "data": [{"name": "random", "path": str(folder), **more}],
    }
    return make_spec(table, "test", Path.cwd())


def test_other_annotation_files_become_a_folder(
    two_splits: Path, tiny_config: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    spec = settle(spec_of(two_splits, tiny_config, files=FILES), out)
    splits = find_splits(spec.data[0].path)
    assert spec.data[0].path == out / "data" / "random"
    for split, name in FILES.items():
        assert splits[split].ann_file.read_bytes() == (two_splits / name).read_bytes()
        assert splits[split].image_dir.resolve() == (two_splits / "images").resolve()
    before = splits["train"].ann_file.stat().st_mtime_ns
    settle(spec_of(two_splits, tiny_config, files=FILES), out)
    assert splits["train"].ann_file.stat().st_mtime_ns == before  # the same is left alone
    shutil.copy(two_splits / "train.json", two_splits / "train_random.json")
    settle(spec_of(two_splits, tiny_config, files=FILES), out)
    assert splits["train"].ann_file.read_bytes() == (two_splits / "train.json").read_bytes()
    (run,) = runs_of(spec)
    assert run.settings()["data"]["files"] == FILES


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"train": "train_random.json"}, "files names no val file"),
        ({"train": "a.json", "valid": "b.json"}, "unknown valid; known are train, val, test"),
        ({"train": "nothing.json", "val": "val.json"}, "nothing.json': not in .*val_random.json"),
        ({"train": 1, "val": "val.json"}, "write { train = "),
    ],
)
def test_files_that_are_not_there_are_named(
    two_splits: Path, tiny_config: Path, tmp_path: Path, files: dict[str, str], message: str
) -> None:
    with pytest.raises(FishdetError, match=message):
        settle(spec_of(two_splits, tiny_config, files=files), tmp_path / "out")


def test_builtin_is_the_set_of_the_configs(
    tiny_config: Path, tmp_path: Path, drawn_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(data_module, "draw_builtin", lambda s: asked.append(s) or drawn_data)
    spec = settle(spec_of("builtin", tiny_config), tmp_path)
    assert spec.data == (DataSpec("random", drawn_data),)
    assert asked == [dict(load_config(ROOT / BUILTIN_CONFIG).builtin_data)]
    assert load_config(ROOT / "configs/fish.py").builtin_data == asked[0]


def test_an_environment_variable_names_a_folder(
    two_splits: Path, tiny_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REEFS", str(two_splits.parent))
    assert spec_of("$REEFS/reef", tiny_config).data[0].path == two_splits
    monkeypatch.delenv("REEFS")
    with pytest.raises(FishdetError, match=r"the environment variable \$REEFS is not set"):
        spec_of("$REEFS/reef", tiny_config)


def test_seeds_of_one_detector_and_the_choice_of_runs(drawn_data: Path, tiny_config: Path) -> None:
    table = {
        "models": [
            {"name": "a", "config": str(tiny_config), "seeds": [0, 1]},
            {"name": "b", "config": str(tiny_config)},
        ],
        "data": [{"name": "reef", "path": str(drawn_data)}],
    }
    runs = runs_of(make_spec(table, "test", Path.cwd()))
    names = [run.name for run in runs]
    assert names == ["reef__a__seed0", "reef__b__seed0", "reef__a__seed1"]
    assert only(runs, None) == runs
    assert [run.name for run in only(runs, ["*seed1", "*__b__*"])] == names[1:]
    with pytest.raises(FishdetError, match=r"--only c\*: fits none of reef__a__seed0, "):
        only(runs, ["*seed1", "c*"])
    table["models"][0]["seeds"] = [0, 0]
    with pytest.raises(FishdetError, match="models: a: seeds: 0 stands there twice"):
        make_spec(table, "test", Path.cwd())


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks/recorded").glob("*.toml")), ids=str)
def test_recorded_benchmarks_can_be_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FISHDET_DATA", "somewhere")
    spec = read_spec(path)
    sizes = {(model.epochs, model.img_scale) for model in spec.models}
    assert len(sizes) == 1  # all with the same schedule and picture size
