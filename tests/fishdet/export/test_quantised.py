"""A quantised file opens, finds what the plain one finds, and leaves layers that hurt alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from detections_alike import picture
from mmdet.registry import MODELS
from own_truth import own_truth
from small_detectors import CLASSES, lively, small_config

from fishdet import Detector, FishdetError
from fishdet.checkpoint.papers import config_to_json
from fishdet.export.graph import graph_of
from fishdet.export.layers import EXACT
from fishdet.export.run import SUFFIX, ExportOptions, export
from fishdet.export.write import openvino_model, write_openvino
from fishdet.inference.build import pipeline_steps
from fishdet.inference.exported import ExportedNetwork
from fishdet.inference.sessions import OpenVinoSession


@pytest.mark.slow
def test_openvino_opens_what_nncf_made(tmp_path: Path) -> None:
    """NNCF's graph forgot that boxes have four corners, and OpenVINO refused it."""
    nncf = pytest.importorskip("nncf", reason="nncf is not installed (extra [export])")
    cfg = small_config("faster")
    model = MODELS.build(cfg.model)
    lively(model)
    with torch.no_grad():
        plain = openvino_model(graph_of(model.eval(), pipeline_steps(cfg, "small")))
    image = picture(128, 128)
    scope = nncf.IgnoredScope(patterns=list(EXACT), validate=False)
    small = nncf.quantize(plain, nncf.Dataset([image[None]]), ignored_scope=scope, subset_size=1)
    write_openvino(small, "{}", tmp_path / "small.xml")
    network = ExportedNetwork(OpenVinoSession(tmp_path / "small.xml", "cpu"), len(CLASSES), 1)
    (found,) = network([image])
    assert len(found) > 5 and found.scores.max() > 0.1


BAD = "body/layer1/layer1.0/conv2"


def _planted(folder: Path) -> Path:
    """A checkpoint in which one channel before ``BAD`` is a thousand times as large as others.

    The layer itself undoes it, so that nothing changes in FP32; 8 bits for all channels lose the
    others.
    """
    cfg = small_config("faster")
    model = MODELS.build(cfg.model)
    lively(model)
    state = model.state_dict()
    for name in ("weight", "bias"):
        state[f"backbone.layer1.0.bn1.{name}"][2] *= 1000
    state["backbone.layer1.0.conv2.weight"][:, 2] /= 1000
    papers = {"config": config_to_json(cfg), "classes": list(CLASSES)}
    torch.save({"state_dict": state, "meta": {"fishdet": papers}}, folder / "planted.pth")
    return folder / "planted.pth"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["onnx", "openvino"])
def test_a_layer_that_hurts_stays_in_fp32(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("nncf", reason="nncf is not installed (extra [export])")
    model = _planted(tmp_path)
    plain = Detector(model, device="cpu", precision="fp32", score_thr=0.2)
    data = own_truth(plain, tmp_path / "data")
    # Random weights suffer from 8 bits everywhere: what is asked for is the planted layer's share.
    options = ExportOptions(str(model), kind, int8=True, data=data, images=4, drop=0.6, tries=14)
    with pytest.raises(FishdetError, match="AP falls from .*--tries"):
        export(replace(options, tries=0))
    assert not model.with_suffix(SUFFIX[kind]).exists()
    path, papers = export(options)
    assert papers["in_fp32"][0] == BAD and len(papers["in_fp32"]) <= papers["layers"] / 4
    assert papers["ap"]["before"] - papers["ap"]["after"] <= 0.6
    assert len(Detector(path, score_thr=0.2)(picture(128, 128))) > 3
