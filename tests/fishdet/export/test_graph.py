"""The exported graph against mmdet's own prediction."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from detections_alike import picture, require_equal
from hypothesis import given
from hypothesis import strategies as st
from mmcv.image.geometric import rescale_size
from mmdet.registry import MODELS
from mmdet.utils import register_all_modules
from small_detectors import CLASSES, KINDS, lively, small_config

from fishdet.export.graph import graph_of
from fishdet.export.graph.pixels import resize, resized_shape
from fishdet.inference.boxes import Boxes
from fishdet.inference.build import pipeline_steps
from fishdet.inference.network import Network


@pytest.mark.parametrize("shapes", [((480, 640), (240, 320)), ((37, 41), (800, 886))])
def test_resizing_is_opencvs(shapes: tuple[tuple[int, int], tuple[int, int]]) -> None:
    before, after = shapes
    image = np.random.default_rng(0).integers(0, 256, (*before, 3), dtype=np.uint8)
    wanted = cv2.resize(image, after[::-1], interpolation=cv2.INTER_LINEAR).astype(int)
    found = resize(torch.from_numpy(image)[None].float(), *map(torch.tensor, shapes))[0].numpy()
    assert np.abs(found - wanted).max() <= 1 and (found != wanted).mean() < 0.005


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
