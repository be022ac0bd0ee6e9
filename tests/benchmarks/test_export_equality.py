"""The comparison of exported files with PyTorch: what it says of data that is not there."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "export_equality.py"


@pytest.mark.parametrize("splits", [(), ("train",)])
def test_data_without_val_ends_in_one_line(
    splits: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in splits:
        (tmp_path / "images").mkdir()
        (tmp_path / f"{name}.json").write_text(
            '{"images": [], "annotations": [], "categories": []}'
        )
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "none.pth", "--data", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and str(tmp_path) in said
