"""Every detector's config through the real tools, small: train, publish, predict, evaluate."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from small_models import shrink

from fishdet.config import load_config

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = sorted(
    path.relative_to(ROOT)
    for path in (ROOT / "configs").rglob("*_fish.py")
    if not {"_base_", "identification"} & set(path.parts)
)
# One process for all tools of a config: loading PyTorch takes longer than they do.
DRIVER = """
import runpy, sys
for line in sys.stdin.read().split("\\n\\n"):
    sys.argv = line.split("\\n")
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as stop:
        if stop.code:
            raise
"""


def use_tools(*commands: list[object]) -> str:
    """Run tools one after the other in a process of their own and return what they said."""
    lines = "\n\n".join("\n".join(map(str, command)) for command in commands)
    done = subprocess.run(
        [sys.executable, "-c", DRIVER], input=lines, text=True, capture_output=True, timeout=900,
        cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow  # some 15 s each
@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_config_through_the_tools(config: Path, drawn_data: Path, tmp_path: Path) -> None:
    cfg = load_config(ROOT / config)
    if cfg.model.type == "TransformersDetector":
        pytest.importorskip("transformers", reason="needs the extra [transformers]")
    shrink(cfg.model)
    cfg.pop("load_from", None)  # weights from the network
    small = tmp_path / config.name
    cfg.dump(str(small))
    side = 112 if "rf-detr" in config.name else 128  # whole patches and windows
    work, out = tmp_path / "work", tmp_path / "published"
    size = ("--img-scale", side, side)
    train = ["tools/train.py", small, "--data", drawn_data, "--work-dir", work, "--epochs", 1,
             *size, "--cfg-options", "train_dataloader.batch_size=4"]  # fmt: skip
    checkpoint = work / "epoch_1.pth"
    use_tools(
        train,
        ["tools/publish.py", checkpoint, "--out", out, "--licence", "Apache-2.0"],
        ["tools/test.py", small, checkpoint, "--data", drawn_data, *size,
         "--out", tmp_path / "scores.json", "--intervals", 0, "--work-dir", tmp_path / "test"],
    )  # fmt: skip
    (model,) = out.rglob("*.safetensors")
    use_tools(["tools/predict.py", model, drawn_data / "images", "--out", tmp_path / "seen",
               "--score-thr", 0])  # fmt: skip
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["coco/bbox_mAP"] >= 0
    assert any((tmp_path / "seen").rglob("*.jp*g")) or any((tmp_path / "seen").rglob("*.png"))
