"""What the comparison of precisions says of APs, and which runs it starts."""

from __future__ import annotations

import argparse
import runpy
from pathlib import Path

import pytest

from fishdet import FishdetError

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "precision_seeds.py"
NAMES = runpy.run_path(str(SCRIPT))


@pytest.mark.parametrize(
    "bf16, alike", [((0.30, 0.34), True), ((0.35, 0.36), True), ((0.37, 0.38), False)]
)
def test_means_are_alike_within_the_larger_spread(bf16: tuple, alike: bool) -> None:
    lines, found = NAMES["told"]({"fp32": {0: 0.30, 1: 0.34}, "bf16": dict(enumerate(bf16))})
    assert found is alike
    assert lines[2] == "| fp32 | 30.00, 34.00 | 32.00 | 4.00 |"
    assert ("within" if alike else "outside") in lines[-1]


def _args(folder: Path, **changed: object) -> argparse.Namespace:
    settings = {"config": Path("configs/fish.py"), "data": Path("data"), "epochs": 2,
                "img_scale": None, "cfg_options": ["a=1"], "out": folder,
                "emulate": False}  # fmt: skip
    return argparse.Namespace(**{**settings, **changed})


def test_runs_go_on_and_are_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    args, commands = _args(tmp_path), []

    def run(command: list[str], **_: object) -> object:
        commands.append(command)
        (tmp_path / "bf16_seed3" / "metrics.json").write_text(
            '{"val": [{"epoch": 2, "coco/bbox_mAP": 0.25}]}'
        )
        return argparse.Namespace(returncode=1 if len(commands) == 1 else 0)

    monkeypatch.setattr("subprocess.run", run)
    with pytest.raises(FishdetError, match="output.log: the training ended with status 1"):
        NAMES["trained"](args, "bf16", 3)
    (tmp_path / "bf16_seed3" / "epoch_1.pth").touch()
    first = NAMES["trained"](args, "bf16", 3)
    assert first == NAMES["trained"](args, "bf16", 3) and first["ap"] == 0.25
    assert len(commands) == 2 and "--resume" in commands[1] and "--resume" not in commands[0]
    with pytest.raises(FishdetError, match="other settings"):
        NAMES["trained"](_args(tmp_path, epochs=3), "bf16", 3)


def test_bf16_alone_is_emulated(tmp_path: Path) -> None:
    args = _args(tmp_path, emulate=True)
    scripts = [NAMES["command_of"](args, name, 0, tmp_path)[1] for name in ("bf16", "fp32")]
    assert [Path(name).name for name in scripts] == ["emulated_bf16.py", "train.py"]


def test_options_are_read_as_json() -> None:
    assert NAMES["options_of"](["a.b=2", "c=x", "d=[1, 2]"]) == {"a.b": 2, "c": "x", "d": [1, 2]}
    assert NAMES["options_of"]([]) is None
