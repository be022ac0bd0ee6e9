"""The exported graph against mmdet's own prediction."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from detections_alike import picture, require_equal
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mmcv.image.geometric import rescale_size
from mmdet.models import DetDataPreprocessor
from mmdet.registry import MODELS
from mmdet.utils import register_all_modules
from small_detectors import CLASSES, KINDS, lively, small_config

from fishdet.export.graph import graph_of
from fishdet.export.graph.pixels import Pixels, resize, resized_shape
from fishdet.inference.boxes import Boxes
from fishdet.inference.build import pipeline_steps
from fishdet.inference.network import Network


@settings(deadline=None)
@given(*[st.integers(1, 200)] * 4, st.integers(0, 9))
@example(240, 320, 120, 160, 0)
@example(37, 41, 800, 886, 0)
@example(200, 150, 280, 210, 0)
@example(196, 91, 70, 127, 4)
@example(95, 54, 127, 168, 8)
@example(200, 14, 127, 88, 1)
def test_resizing_is_opencvs_but_for_single_carries(
    height: int, width: int, high: int, wide: int, seed: int
) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    wanted = cv2.resize(image, (wide, high), interpolation=cv2.INTER_LINEAR)
    shapes = torch.tensor([height, width]), torch.tensor([high, wide])
    planes = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    found = resize(planes, *shapes)[0].permute(1, 2, 0).numpy()
    apart = found - wanted
    assert set(np.unique(apart)) <= {0, 1}
    assert np.count_nonzero(apart) <= 2 + apart.size * 1e-4


@pytest.mark.parametrize("swap", [False, True])
def test_padding_keeps_its_colours_where_channels_are_swapped(swap: bool) -> None:
    image = np.full((1, 4, 6, 3), (10, 20, 30), np.uint8)
    pad = dict(type="Pad", size=(8, 5), pad_val=dict(img=(1, 2, 3)))
    preprocessor = DetDataPreprocessor(bgr_to_rgb=swap, mean=[0] * 3, std=[1] * 3)
    inputs = Pixels([pad], preprocessor)(torch.from_numpy(image)).inputs
    order = slice(None, None, -1 if swap else 1)
    assert inputs.shape == (1, 3, 5, 8)
    assert inputs[0, :, 0, 0].tolist() == [10, 20, 30][order]
    assert inputs[0, :, 4, 7].tolist() == [1, 2, 3][order]


@given(st.integers(5, 4000), st.integers(5, 4000))
def test_resized_shape_is_mmcvs(height: int, width: int) -> None:
    wanted = rescale_size((width, height), (1333, 800))
    found = resized_shape(torch.tensor([height, width]), (1333, 800), True)
    assert tuple(found.tolist()) == wanted[::-1]


@pytest.mark.parametrize("kind", KINDS)
def test_graph_gives_the_boxes_of_mmdet(kind: str) -> None:
    register_all_modules(init_default_scope=False)
    cfg = small_config(kind)
    model = MODELS.build(cfg.model)
    lively(model)
    network = Network(cfg, model.state_dict(), kind, device="cpu", dtype=torch.float32,
                      classes=len(CLASSES), batch_size=2)  # fmt: skip
    graph = graph_of(network.model, pipeline_steps(cfg, kind))
    for height, width in ((96, 144), (200, 120))[: 2 if kind == "faster" else 1]:
        images = [picture(height, width, seed) for seed in range(2)]
        wanted = network(images)
        with torch.inference_mode():
            outputs = [part.numpy() for part in graph(torch.from_numpy(np.stack(images)))]
        for row in range(2):
            boxes, scores, labels = (part[row] for part in outputs[:3])
            kept = scores > 0
            found = Boxes(boxes[kept], scores[kept], labels[kept], np.empty((kept.sum(), 0)))
            assert len(wanted[row]) > 5
            require_equal(found, wanted[row])
