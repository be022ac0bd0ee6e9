"""Every kind of detector in every format: batches, sizes, nothing found, tiny pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from detections_alike import picture, require_equal
from mmdet.registry import MODELS
from mmdet.utils import register_all_modules
from small_detectors import CLASSES, KINDS, lively, small_config

from fishdet import FishdetError
from fishdet.export.graph import graph_of
from fishdet.export.run import SUFFIX
from fishdet.export.write import write_model
from fishdet.inference.build import pipeline_steps
from fishdet.inference.exported import ExportedNetwork
from fishdet.inference.network import Network
from fishdet.inference.sessions import SESSIONS

FORMATS = ("onnx", "openvino", "torchscript")
NEEDS = {"onnx": "onnxruntime", "openvino": "openvino", "torchscript": "torch"}
SHAPES = ((96, 144), (200, 120), (128, 128), (5, 7), (1, 1), (3, 200))
BATCH = 3


def _pair(
    kind: str, format_: str, folder: Path, change: Callable[[Any], None] = lambda cfg: None
) -> tuple[Network, ExportedNetwork]:
    """A small detector of a kind in PyTorch, and the same written and opened again."""
    pytest.importorskip("onnx", reason="the extra [export] is not installed")
    pytest.importorskip(NEEDS[format_], reason="the extra [export] is not installed")
    register_all_modules(init_default_scope=False)
    cfg = small_config(kind)
    model = MODELS.build(cfg.model)
    lively(model)
    change(cfg.model.test_cfg)
    network = Network(cfg, model.state_dict(), kind, device="cpu", dtype=torch.float32,
                      classes=len(CLASSES), batch_size=BATCH, plain=True)  # fmt: skip
    path = folder / f"{kind}{SUFFIX[format_]}"
    write_model(graph_of(network.model, pipeline_steps(cfg, kind)), {}, path, format_)
    session = SESSIONS[path.suffix](path, "cpu")
    return network, ExportedNetwork(session, len(CLASSES), BATCH)


def _picture(height: int, width: int, seed: int) -> np.ndarray:
    large = picture(max(height, 8), max(width, 8), seed)
    return np.ascontiguousarray(large[:height, :width])


@pytest.mark.slow
@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_batches_of_every_size_are_those_of_pytorch(
    kind: str, format_: str, tmp_path: Path
) -> None:
    network, exported = _pair(kind, format_, tmp_path)
    for shape in SHAPES:
        images = [_picture(*shape, seed) for seed in range(BATCH)]
        wanted = network(images)
        for found, one in zip(exported(images), wanted, strict=True):
            assert len(one) > 3 or min(shape) < 10
            require_equal(found, one)
        (alone,) = exported(images[:1])
        require_equal(alone, wanted[0])
    if kind != "rtmdet":  # whose padding makes a picture of what resizing leaves no height
        _refused_or_empty(exported, _picture(1, 300, 0))


def _refused_or_empty(exported: ExportedNetwork, image: np.ndarray) -> None:
    try:
        (found,) = exported([image])
    except FishdetError as error:
        assert "300x1 pixels does not pass" in str(error)
    else:
        assert len(found) == 0


def _no_proposals(cfg: Any) -> None:
    cfg.rpn.min_bbox_size = 10_000


def _sure_alone(cfg: Any) -> None:
    (cfg.rcnn if "rcnn" in cfg else cfg).score_thr = 1.0


@pytest.mark.slow
@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    "kind, change",
    [("faster", _no_proposals), ("cascade", _no_proposals), ("faster", _sure_alone),
     ("retinanet", _sure_alone), ("fcos", _sure_alone), ("atss", _sure_alone),
     ("rtmdet", _sure_alone)],
)  # fmt: skip
def test_nothing_found_is_no_box(
    kind: str, change: Callable[[Any], None], format_: str, tmp_path: Path
) -> None:
    _, exported = _pair(kind, format_, tmp_path, change)
    images = [_picture(96, 144, seed) for seed in range(2)]
    for found in exported(images):
        assert found.xyxy.shape == (0, 4) and len(found.scores) == len(found.labels) == 0
