"""Traces of a small untrained Faster R-CNN: with a box a class, and with one for all classes."""

from __future__ import annotations

import pytest
from mmengine.registry import DefaultScope
from small_rcnn import busy_picture, save_small_rcnn

from fishdet.inference.detector import Detector
from fishdet.trace import Trace, record


@pytest.fixture(scope="module", params=[False, True], ids=["box a class", "one box"])
def detector(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Detector:
    with DefaultScope.overwrite_default_scope("mmdet"):
        path = save_small_rcnn(tmp_path_factory.mktemp("small"), request.param)
        return Detector(path, precision="fp32")


@pytest.fixture(scope="module")
def trace(detector: Detector) -> Trace:
    with DefaultScope.overwrite_default_scope("mmdet"):
        return record(detector, busy_picture())
