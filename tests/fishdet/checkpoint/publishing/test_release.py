"""A training leaves its model published, and ``tools/predict.py`` finds it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import torch
from mmengine.config import Config

from fishdet import release
from fishdet.checkpoint.index.indexes import read_index
from fishdet.checkpoint.published import read_metadata
from fishdet.checkpoint.training.saving import BEST, note
from fishdet.runner import FishRunner
from fishdet.training import TrainOptions, train

TOOL = Path(__file__).resolve().parents[4] / "tools" / "predict.py"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, tiny_config: Path, drawn_data: Path) -> Path:
    """A folder of runs with one of one epoch."""
    folder = tmp_path_factory.mktemp("here") / "work_dirs"
    train(TrainOptions(tiny_config, drawn_data, folder / "tiny", epochs=1, precision="fp32"))
    return folder


def test_it_is_published_whole_and_in_half_precision(runs: Path) -> None:
    (file,) = (runs / "tiny").rglob("*.safetensors")
    assert file.parent == runs / "tiny" / "model"
    papers = read_metadata(file)
    assert papers["weights"]["precision"].startswith("fp16")
    assert papers["metrics"]["totals"].keys() >= {"coco/bbox_mAP"}
    assert "publish" not in papers["config"]
    (entry,) = read_index(str(file.parent)).entries.values()
    assert (entry.file, entry.config, entry.data) == (file.name, "tiny", "set")
    assert file.stat().st_size == entry.size < 2.3 * papers["weights"]["numbers"]
    assert not [path for path in (runs / "tiny").iterdir() if path.name.startswith(".model")]


def test_predict_without_a_model_takes_it(
    runs: Path,
    drawn_data: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spec = importlib.util.spec_from_file_location("predict_tool", TOOL)
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.chdir(runs.parent)
    picture = sorted((drawn_data / "images").glob("val*"))[0]
    assert tool.main([str(picture), "--out", "seen", "--device", "cpu"]) == 0
    said = "".join(capsys.readouterr().out.split())
    (file,) = Path("work_dirs").rglob("*.safetensors")
    assert f"Model:{file},thenewestpublishedone" in said
    assert (Path("seen") / picture.name).is_file()


def runner_of(checkpoint: Path, settings: dict | None) -> FishRunner:
    """As much of a runner as a release asks for: its config and its work dir."""
    note(checkpoint.parent, BEST, checkpoint)
    cfg = Config(dict(publish=settings))
    return cast(FishRunner, SimpleNamespace(cfg=cfg, work_dir=str(checkpoint.parent)))


def test_it_takes_the_place_of_an_earlier_one(run_copy: Path) -> None:
    first = release.release_best(runner_of(run_copy, {"half": True}))
    second = release.release_best(runner_of(run_copy, {}))
    assert first is not None and second is not None
    assert list(run_copy.parent.rglob("*.safetensors")) == [second.file]
    assert second.size > 1.9 * first.size


def test_what_goes_wrong_is_logged_and_the_earlier_one_kept(
    run_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[str] = []
    monkeypatch.setattr(release, "print_log", lambda text, *rest: logged.append(text))
    first = release.release_best(runner_of(run_copy, {"half": True}))
    state = torch.load(run_copy, weights_only=True)
    next(iter(state["state_dict"].values())).fill_(1e6)
    torch.save(state, run_copy)
    assert release.release_best(runner_of(run_copy, {"half": True})) is None
    (line,) = logged
    assert "beyond 65,504" in line and f"tools/publish.py {run_copy} --half" in line
    assert first is not None and list(run_copy.parent.rglob("*.safetensors")) == [first.file]


def test_a_config_that_asks_for_none_gets_none(run_copy: Path) -> None:
    assert release.release_best(runner_of(run_copy, None)) is None
    assert not (run_copy.parent / "model").exists()
