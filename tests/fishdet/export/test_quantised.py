"""A quantised file opens and finds what the plain one finds, but for roundings."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from small_detectors import CLASSES, lively, small_config

from fishdet.export.graph import graph_of
from fishdet.export.quantise import KEPT
from fishdet.export.write import openvino_model, write_openvino
from fishdet.inference.build import pipeline_steps
from fishdet.inference.exported import ExportedNetwork
from fishdet.inference.sessions import OpenVinoSession


@pytest.mark.slow
def test_openvino_opens_what_nncf_made(tmp_path: Path) -> None:
    """NNCF's graph forgot that boxes have four corners, and OpenVINO refused it."""
    nncf = pytest.importorskip("nncf", reason="nncf is not installed (extra [export])")
    from detections_alike import picture

    cfg = small_config("faster")
    model = MODELS.build(cfg.model)
    lively(model)
    with torch.no_grad():
        plain = openvino_model(graph_of(model.eval(), pipeline_steps(cfg, "small")))
    image = picture(128, 128)
    scope = nncf.IgnoredScope(patterns=list(KEPT[0][1]), validate=False)
    small = nncf.quantize(plain, nncf.Dataset([image[None]]), ignored_scope=scope, subset_size=1)
    write_openvino(small, "{}", tmp_path / "small.xml")
    network = ExportedNetwork(OpenVinoSession(tmp_path / "small.xml", "cpu"), len(CLASSES), 1)
    (found,) = network([image])
    assert len(found) > 5 and found.scores.max() > 0.1
