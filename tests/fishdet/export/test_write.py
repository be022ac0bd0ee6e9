"""An export that is ended midway leaves no file that looks like a model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fishdet.export.write import write_openvino


def test_no_description_stands_beside_the_weights_of_another_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openvino = pytest.importorskip("openvino", reason="openvino is not installed ([export])")
    path = tmp_path / "model.xml"
    write_openvino(_graph(openvino, 1.0), "{}", path)
    old = path.with_suffix(".bin").read_bytes()

    replace = os.replace

    def ends_before_the_description(source: Any, target: Any) -> None:
        if Path(target).suffix == ".xml":
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", ends_before_the_description)
    with pytest.raises(KeyboardInterrupt):
        write_openvino(_graph(openvino, 2.0), "{}", path)
    assert path.with_suffix(".bin").read_bytes() != old
    assert [file.name for file in tmp_path.iterdir()] == ["model.bin"]


def _graph(openvino: Any, number: float) -> Any:
    """A model that multiplies 64 numbers by as many weights."""
    opset = openvino.opset13
    taken = opset.parameter([64], np.float32)
    weights = opset.constant(np.arange(64, dtype=np.float32) + number)
    return openvino.Model([opset.multiply(taken, weights)], [taken], "graph")
