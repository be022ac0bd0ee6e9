"""Scripts of the peers: parts against hand-made cases; the whole at a tiny size where it runs."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from fishdet.benchmark.runs import runs_of
from fishdet.benchmark.spec import make_spec
from fishdet.benchmark.worker import chosen_images

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "benchmarks" / "peers"


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(PEERS))
    import shared

    return shared


def run(script: str, *arguments: object) -> str:
    command = [sys.executable, str(PEERS / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_learning_rate_rises_and_steps_down_as_in_schedule_1x(shared: ModuleType) -> None:
    rate = [shared.learning_rate(i, per_epoch=1000, epochs=12) for i in range(12_000)]
    assert rate[0] == pytest.approx(0.001)
    assert rate[250] == pytest.approx(0.5005)
    assert rate[500] == rate[7999] == 1.0
    assert rate[8000] == rate[10_999] == pytest.approx(0.1)
    assert rate[11_000] == rate[-1] == pytest.approx(0.01)


def test_a_peer_learns_from_the_pictures_that_ours_does(
    shared: ModuleType, drawn_data: Path, tiny_config: Path
) -> None:
    model = {"name": "a", "config": str(tiny_config)}
    data = {"name": "d", "path": str(drawn_data), "train_images": 5}
    (ours,) = runs_of(make_spec({"models": [model], "data": [data]}, "test", Path.cwd()))
    assert shared.chosen(12, 5) == chosen_images(ours.settings())
    assert shared.chosen(3, None) == [0, 1, 2]


def test_corners_become_coco_results(shared: ModuleType) -> None:
    rows = shared.coco_rows(7, np.array([[10.0, 20.0, 15.0, 40.0]]), np.array([0.5]), [3])
    assert rows == [
        {"image_id": 7, "category_id": 3, "bbox": [10.0, 20.0, 5.0, 20.0], "score": 0.5}
    ]


def test_rfdetr_gets_its_folder_of_links(drawn_data: Path, tmp_path: Path) -> None:
    told = run("rfdetr_train.py", drawn_data, "--out", tmp_path, "--dry-run")
    assert "6 val pictures, 7 classes" in told
    truth = json.loads((drawn_data / "val.json").read_text())
    names = {c["id"]: c["name"] for c in truth["categories"]}
    for folder, pictures in (("train", 12), ("valid", 6), ("test", 6)):
        made = json.loads((tmp_path / "data" / folder / "_annotations.coco.json").read_text())
        assert len(made["images"]) == pictures
        assert sorted(c["id"] for c in made["categories"]) == list(range(7))
        assert all((tmp_path / "data" / folder / i["file_name"]).is_file() for i in made["images"])
    kinds = {c["id"]: c["name"] for c in made["categories"]}
    assert [kinds[a["category_id"]] for a in made["annotations"]] == [
        names[a["category_id"]] for a in truth["annotations"]
    ]


def test_the_script_that_makes_rfdetrs_environment_is_sound() -> None:
    done = subprocess.run(["sh", "-n", str(PEERS / "rfdetr_env.sh")], capture_output=True)
    assert done.returncode == 0
    used = subprocess.run(["sh", str(PEERS / "rfdetr_env.sh")], capture_output=True, text=True)
    assert used.returncode == 2 and "usage" in used.stderr


@pytest.mark.slow
@pytest.mark.parametrize("script", ["torchvision_faster_rcnn.py", "stock_mmdet.py"])
def test_a_peer_trains_and_its_command_imports(
    script: str, drawn_data: Path, tmp_path: Path
) -> None:
    size = ("--epochs", 1, "--img-scale", 64, 64, "--batch", 4, "--train-images", 8)
    told = run(script, drawn_data, "--out", tmp_path / "peer", *size)
    command = next(line for line in told.splitlines() if line.startswith("python tools/"))
    arguments = shlex.split(command)[2:]
    arguments[arguments.index("--out") + 1] = str(tmp_path / "bench")
    tool = [sys.executable, str(ROOT / "tools" / "benchmark.py"), *arguments]
    done = subprocess.run(tool, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (record,) = (tmp_path / "bench").glob("runs/*/record.json")
    values = json.loads(record.read_text())
    assert 41e6 < values["cost"]["parameters"] < 42e6
    assert values["scores"]["images"] == 6
