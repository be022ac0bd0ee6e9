"""The examples run, on a network with random weights and small pictures."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from swimming import write_video

if TYPE_CHECKING:
    from conftest import Tiny

FOLDER = Path(__file__).resolve().parents[3] / "examples"


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_own_photos(tiny: Tiny, pictures: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    example("own_photos").main(str(tiny.path), str(pictures[0].parent))
    said = capsys.readouterr().out
    assert [name for name in ("0.png:", "1.png:", "2.png:") if name in said] != []
    assert said.count(" fish\n") == 3


def test_video_counts(tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = write_video(tmp_path / "clip.avi", frames=4)
    example("video_counts").main(str(tiny.path), str(clip), str(tmp_path / "out"), "2")
    assert "2 frames; see" in capsys.readouterr().out
    assert (tmp_path / "out" / "annotated.mp4").is_file()


def test_a_model_agrees_with_itself(
    tiny: Tiny, pictures: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(tiny.path)
    example("compare_two_models").main(model, model, str(pictures[0]))
    same, renamed, first, second = capsys.readouterr().out.splitlines()[-1].split()[:4]
    assert (renamed, first, second) == ("0", "0", "0") and int(same) >= 0
