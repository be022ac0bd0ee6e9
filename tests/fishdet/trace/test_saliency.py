"""Saliency against derivatives taken by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_rcnn import busy_picture

from fishdet.errors import FishdetError
from fishdet.inference.detector import Detector
from fishdet.trace import Trace, record
from fishdet.trace import saliency as module
from fishdet.trace.saliency import class_logits, saliency


def test_it_is_gradient_times_activation(detector: Detector, trace: Trace) -> None:
    """The sum over the map is d score / d t at t = 1 when the map is multiplied by t: read off
    by differences in 64 bits, with no derivative of PyTorch's."""
    pytest.importorskip("captum", reason="captum is not installed (pip install -e '.[tests]')")
    model = detector.network.model
    seen = saliency(model, trace, 0)
    candidate = int(trace.regions.kept[trace.final[0]])
    roi = int(trace.regions.candidate_roi[candidate])
    label = int(trace.regions.candidate_label[candidate])
    level = int(trace.regions.level[roi])
    feats = [trace.features[name][None].double() for name in trace.level_names]
    try:
        logits = class_logits(model.double(), feats, level, trace.regions.rois[roi].double())
        with torch.no_grad():
            step = 1e-4
            more, less = (logits(feats[level] * (1 + s))[0, label] for s in (step, -step))
    finally:
        model.float()
    assert float(seen.values.sum()) == pytest.approx(float(more - less) / (2 * step), rel=1e-3)


def test_it_lies_around_the_proposal(detector: Detector, trace: Trace) -> None:
    pytest.importorskip("captum", reason="captum is not installed (pip install -e '.[tests]')")
    model = detector.network.model
    seen = saliency(model, trace, 0)
    candidate = int(trace.regions.kept[trace.final[0]])
    roi = int(trace.regions.candidate_roi[candidate])
    stride = trace.proposals.strides[int(trace.regions.level[roi])].numpy()
    x1, y1, x2, y2 = trace.regions.rois[roi].tolist()
    left, top, right, bottom = seen.box
    assert left <= x1 and top <= y1 and np.isfinite(seen.values).all() and seen.values.any()
    assert seen.values.shape == ((bottom - top) / stride[1], (right - left) / stride[0])
    assert all(parameter.grad is None for parameter in model.parameters())


def test_without_captum_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, detector: Detector
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "captum.attr", None)
    assert not module.has_captum()
    with pytest.raises(FishdetError, match=r"pip install -e '\.\[trace\]'"):
        saliency(detector.network.model, record(detector, busy_picture()), 0)
