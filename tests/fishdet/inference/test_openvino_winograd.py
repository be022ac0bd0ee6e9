"""Convolutions that are rewritten for OpenVINO give the maps that they gave."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fishdet.inference import openvino_winograd
from fishdet.inference.openvino_winograd import use_winograd

openvino = pytest.importorskip("openvino", reason="needs the extra [export]")
WIDE = openvino_winograd.FEWEST_CHANNELS


def graph(channels: int, *, stride: int = 1, dilation: int = 1, quantised: bool = False) -> Any:
    """A network with one 3×3 convolution from ``channels`` to some more."""
    from openvino import opset13 as ops

    random = np.random.default_rng(0)

    def weight(*shape: int) -> Any:
        return ops.constant(random.normal(0, 0.1, shape).astype(np.float32))

    images = ops.parameter([-1, -1, -1, 3], np.uint8, name="images")
    order = ops.constant(np.array([0, 3, 1, 2], np.int64))
    maps = ops.transpose(ops.convert(images, np.float32), order)
    maps = ops.convolution(maps, weight(channels, 3, 1, 1), [1, 1], [0, 0], [0, 0], [1, 1])
    if quantised:
        ends = [ops.constant(np.float32(end)) for end in (-9, 9, -9, 9)]
        maps = ops.fake_quantize(maps, *ends, 256)
    pad = [dilation, dilation]
    maps = ops.convolution(
        maps, weight(channels + 8, channels, 3, 3), [stride] * 2, pad, pad, [dilation] * 2
    )
    maps = ops.relu(ops.add(maps, weight(1, channels + 8, 1, 1)))
    return openvino.Model([maps], [images])


def run(model: Any, images: np.ndarray) -> np.ndarray:
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    (found,) = compiled(images).values()
    return found


@pytest.mark.parametrize("shape", [(1, 24, 32), (2, 21, 30), (1, 1, 3), (3, 5, 7), (1, 6, 200)])
def test_maps_stay_whatever_their_size(shape: tuple[int, int, int], monkeypatch) -> None:
    monkeypatch.setattr(openvino_winograd, "FEWEST_CHANNELS", 8)
    plain, model = graph(8), graph(8)
    assert use_winograd(model, threads=2) == 1
    kinds = [op.get_type_name() for op in model.get_ops()]
    assert kinds.count("Convolution") == 1 + 36 and kinds.count("DepthToSpace") == 1
    images = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    wanted, found = run(plain, images), run(model, images)
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() < 5e-5 * np.abs(wanted).max()


def test_wide_layers_are_rewritten_under_their_name() -> None:
    model = graph(WIDE)
    name = [op for op in model.get_ops() if op.get_type_name() == "Convolution"][1]
    assert use_winograd(model, threads=2) == 1
    assert name.get_friendly_name() in {op.get_friendly_name() for op in model.get_ops()}


@pytest.mark.parametrize(
    "settings",
    [{"channels": 64}, {"stride": 2}, {"dilation": 2}, {"quantised": True}],
    ids=str,
)
def test_others_stay(settings: dict[str, Any]) -> None:
    assert use_winograd(graph(**{"channels": WIDE, **settings}), threads=2) == 0


def test_small_maps_many_threads_and_other_processors_stay(monkeypatch) -> None:
    assert use_winograd(graph(WIDE), threads=64) == 0
    with monkeypatch.context() as patch:
        patch.setattr(openvino_winograd, "TYPICAL", (48, 64))
        assert use_winograd(graph(WIDE), threads=2) == 0
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert use_winograd(graph(WIDE), threads=2) == 0


def test_a_graph_of_somebody_elses_stays() -> None:
    from openvino import opset13 as ops

    maps = ops.parameter([1, WIDE, 96, 128], np.float32)
    kernel = ops.constant(np.zeros((WIDE, WIDE, 3, 3), np.float32))
    ones = [1, 1]
    model = openvino.Model([ops.convolution(maps, kernel, ones, ones, ones, ones)], [maps])
    assert use_winograd(model, threads=2) == 0
