"""Checkpoints by address, and the work dir."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmdet.registry import MODELS

from fishdet import runner
from fishdet.errors import FishdetError


def test_a_host_that_died_is_named_with_the_alternatives(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Trap 8."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("FISHDET_WEIGHTS", raising=False)
    monkeypatch.setattr(runner, "reachable", lambda address: False)
    with pytest.raises(FishdetError, match="gone.example.*does not answer.*FISHDET_WEIGHTS"):
        runner.local_file("https://gone.example/model.pth")


def test_weights_folder_serves_an_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "model.pth").write_bytes(b"x")
    monkeypatch.setenv("FISHDET_WEIGHTS", str(tmp_path))
    assert runner.local_file("https://gone.example/model.pth") == tmp_path / "model.pth"


def test_parts_that_nobody_registered_or_built_are_named() -> None:
    broken = dict(type="ResNet", depth=51)
    with (
        pytest.raises(FishdetError, match="invalid depth 51"),
        runner.naming_unknown_settings(),
    ):
        MODELS.build(broken)
    with pytest.raises(FishdetError, match="ResNetty"), runner.naming_unknown_settings():
        MODELS.build(dict(type="ResNetty"))
    with pytest.raises(KeyError), runner.naming_unknown_settings():
        raise KeyError("loss_bbox")


def test_other_classes_are_shown_beside_the_data_s() -> None:
    with pytest.raises(FishdetError, match="(?s)salmon, eel.*eel, salmon"):
        runner.check_classes("m.pth", ["salmon", "eel"], ["eel", "salmon"])
