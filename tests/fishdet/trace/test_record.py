"""Every kept number is the model's own, to the last digit."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import torch
from small_rcnn import busy_picture, save_small_rcnn
from torchvision.ops import batched_nms

from fishdet.errors import FishdetError
from fishdet.inference.detector import Detector
from fishdet.trace import Trace, record
from fishdet.trace.features import catching


def own_output(detector: Detector) -> tuple[Any, Any, Any]:
    """What the model itself gives for the picture: its features, proposals and boxes."""
    model = detector.network.model
    sample = detector.network.prepare(busy_picture())
    batch = {key: [sample[key]] for key in ("inputs", "data_samples")}
    with torch.no_grad():
        data = model.data_preprocessor(batch, False)
        features = model.extract_feat(data["inputs"])
        proposals = model.rpn_head.predict(features, data["data_samples"], rescale=False)[0]
        found = model.predict(data["inputs"], data["data_samples"])[0].pred_instances
    return features, proposals, found


def test_proposals_and_boxes_are_the_models_own(detector: Detector, trace: Trace) -> None:
    features, proposals, found = own_output(detector)
    for name, own in zip(trace.level_names, features, strict=True):
        assert torch.equal(trace.features[name], own[0])
    rows = trace.proposals.chosen
    assert len(rows) == 120 and len(found) > 20
    assert torch.equal(trace.proposals.boxes[rows], proposals.bboxes)
    assert torch.equal(trace.proposals.scores[rows], proposals.scores)
    kept = trace.regions.kept
    assert torch.equal(trace.regions.candidate_boxes[kept], found.bboxes)
    assert torch.equal(trace.regions.candidate_scores[kept], found.scores)
    assert torch.equal(trace.regions.candidate_label[kept], found.labels)


def test_the_final_boxes_are_the_detectors(detector: Detector, trace: Trace) -> None:
    found = detector(busy_picture())
    rows = trace.regions.kept[trace.final]
    assert len(found) == len(trace.final) > 3
    assert np.array_equal(found.xyxy, trace.regions.candidate_boxes[rows].numpy())
    assert np.array_equal(found.confidence, trace.regions.candidate_scores[rows].numpy())
    assert np.array_equal(found.class_id, trace.regions.candidate_label[rows].numpy())


def test_species_that_compete_are_the_detectors_too(detector: Detector) -> None:
    detector.options = type(detector.options)(agnostic_nms=0.3)
    found, trace = detector(busy_picture()), record(detector, busy_picture())
    detector.options = type(detector.options)()
    rows = trace.regions.kept[trace.final]
    assert len(found) < len(record(detector, busy_picture()).final)
    assert np.array_equal(found.xyxy, trace.regions.candidate_boxes[rows].numpy())


def test_stages_follow_from_one_another(detector: Detector, trace: Trace) -> None:
    maps, model = trace.features, detector.network.model
    with torch.no_grad():
        for level in (2, 3, 4, 5):
            module = level - 2
            lateral = model.neck.lateral_convs[module](maps[f"C{level}"][None])[0]
            assert torch.equal(lateral, maps[f"L{level}"])
            smooth = model.neck.fpn_convs[module](maps[f"S{level}"][None])[0]
            assert torch.equal(smooth, maps[f"P{level}"])
        for level in (2, 3, 4):
            assert torch.equal(maps[f"L{level}"] + maps[f"U{level}"], maps[f"S{level}"])
            doubled = maps[f"S{level + 1}"].repeat_interleave(2, 1).repeat_interleave(2, 2)
            height, width = maps[f"U{level}"].shape[1:]
            assert torch.equal(doubled[:, :height, :width], maps[f"U{level}"])
        assert torch.equal(maps["P6"], maps["P5"][:, ::2, ::2])
        head = model.roi_head.bbox_head
        flat = trace.roi_features.permute(0, 2, 3, 1).flatten(1)  # as a CPU reads them
        assert trace.fcs[0].min() >= 0
        first = torch.relu(flat @ head.shared_fcs[0].weight.T + head.shared_fcs[0].bias)
        torch.testing.assert_close(trace.fcs[0], first)
        logits = trace.fcs[1] @ head.fc_cls.weight.T + head.fc_cls.bias
        torch.testing.assert_close(trace.regions.logits, logits)


def test_the_input_is_the_picture_normalised(trace: Trace) -> None:
    """The picture is 200×150 and the frame 160×128: no side grows, so 160×120, padded to 32s."""
    assert trace.meta["img_shape"] == (120, 160) and trace.input.shape == (3, 128, 160)
    assert (trace.input[:, 120:] == 0).all()
    mean, std = (np.array(trace.meta[name])[:, None, None] for name in ("mean", "std"))
    back = trace.input[:, :120].numpy() * std + mean
    assert np.abs(back - back.round()).max() < 1e-3 and back.min() > -0.01 and back.max() < 255.01


def test_nothing_is_left_behind(detector: Detector, trace: Trace) -> None:
    assert trace.final.size
    assert not any(module._forward_hooks for module in detector.network.model.modules())


def test_passes_of_other_threads_are_not_caught(detector: Detector) -> None:
    with catching(detector.network.model) as caught:
        other = threading.Thread(target=detector, args=(busy_picture(),))
        other.start()
        other.join()
    assert caught.input is None and not caught.neck and caught.rois is None


def test_a_picture_without_proposals_has_empty_stages(detector: Detector) -> None:
    cfg = detector.network.model.rpn_head.test_cfg
    before, cfg.min_bbox_size = cfg.min_bbox_size, 10_000
    try:
        trace = record(detector, busy_picture())
    finally:
        cfg.min_bbox_size = before
    assert not len(trace.regions.rois) and not len(trace.final)


def test_another_detector_is_named(detector: Detector) -> None:
    model = detector.network.model
    neck, model.neck = model.neck, torch.nn.Identity()
    try:
        with pytest.raises(FishdetError, match="FasterRCNN with neck Identity.*neck FPN"):
            record(detector, busy_picture())
    finally:
        model.neck = neck


def test_soft_nms_is_refused(tmp_path: Any) -> None:
    soft = "model['test_cfg']['rcnn'] = dict(nms=dict(type='soft_nms'))\n"
    detector = Detector(save_small_rcnn(tmp_path, extra=soft), precision="fp32")
    with pytest.raises(FishdetError, match="roi_head uses soft_nms"):
        record(detector, busy_picture())


def test_an_exported_model_is_told_to_show_no_stages(detector: Detector) -> None:
    network = detector.network
    detector.network = lambda images: network(images)
    try:
        with pytest.raises(FishdetError, match="exported model shows no stages"):
            record(detector, busy_picture())
    finally:
        detector.network = network


@pytest.mark.parametrize(("nms", "compete"), [("", True), (", split_thr=0", False)])
def test_whether_species_compete_is_as_mmcv_has_it(tmp_path: Any, nms: str, compete: bool) -> None:
    """With split_thr=0, as torchvision's models come, NMS goes class by class in spite of
    class_agnostic; what is left then differs."""
    extra = f"model['test_cfg']['rcnn'] = dict(nms=dict(class_agnostic=True{nms}))\n"
    trace = record(Detector(save_small_rcnn(tmp_path, extra=extra)), busy_picture())
    assert trace.regions.settings["class_agnostic"] is compete
    groups = None if compete else trace.regions.candidate_label
    boxes, scores = trace.regions.candidate_boxes, trace.regions.candidate_scores
    labels = torch.zeros_like(trace.regions.candidate_label) if groups is None else groups
    assert len(batched_nms(boxes, scores, labels, 0.5)) == trace.regions.before_limit
