"""The way from a box back to its anchor: cases worked out by hand, and every box of a network."""

from __future__ import annotations

import numpy as np
import torch
from mmdet.registry import MODELS
from mmengine.config import ConfigDict

from fishdet.trace import Trace, way_back
from fishdet.trace.files import counts
from fishdet.trace.proposals import Proposals, propose

HEAD = dict(
    type="RPNHead",
    in_channels=4,
    feat_channels=4,
    anchor_generator=dict(
        type="AnchorGenerator", scales=[2], ratios=[1.0, 4.0], strides=[16, 32]
    ),
    bbox_coder=dict(type="DeltaXYWHBBoxCoder", target_stds=[1.0, 1.0, 1.0, 1.0]),
    test_cfg=dict(nms_pre=5, max_per_img=4, min_bbox_size=0, nms=dict(iou_threshold=0.5)),
)


def by_hand() -> Proposals:
    """Two levels of 2×3 and 1×2 places, two anchors each: squares of 2 strides, and upright ones
    of half that width and twice that height. Three anchors stand out."""
    head = MODELS.build(ConfigDict(HEAD))
    objectness = [torch.full((1, 2, 2, 3), -9.0), torch.full((1, 2, 1, 2), -9.0)]
    objectness[0][0, 1, 1, 2] = 3.0  # level 0, row 1, column 2, the upright anchor
    objectness[0][0, 0, 0, 1] = 1.0  # level 0, row 0, column 1, the square
    objectness[1][0, 0, 0, 1] = 2.0  # level 1, column 1, the square
    offsets = [torch.zeros(1, 8, 2, 3), torch.zeros(1, 8, 1, 2)]
    offsets[1][0, 0, 0, 1] = -0.25  # a quarter of 64 px to the left
    offsets[0][0, 2, 0, 1] = float(np.log(2))  # twice as wide
    return propose(head, (objectness, offsets), {"img_shape": (32, 48)})


def test_the_way_of_three_anchors_by_hand() -> None:
    found = by_hand()
    assert found.level[found.chosen[:3]].tolist() == [0, 1, 0]
    places = [found.location(int(row)) for row in found.chosen[:3]]
    assert places == [(1, 2, 1), (0, 1, 0), (0, 1, 0)]
    rows = found.chosen[:3]
    anchors = [[24, -16, 40, 48], [0, -32, 64, 32], [0, -16, 32, 16]]
    assert found.anchors[rows].tolist() == anchors
    decoded = [[24, -16, 40, 48], [-16, -32, 48, 32], [-16, -16, 48, 16]]
    torch.testing.assert_close(found.decoded[rows], torch.tensor(decoded, dtype=torch.float32))
    clipped = [[24, 0, 40, 32], [0, 0, 48, 32], [0, 0, 48, 16]]
    torch.testing.assert_close(found.boxes[rows], torch.tensor(clipped, dtype=torch.float32))
    expected = torch.tensor([3.0, 2.0, 1.0]).sigmoid()
    torch.testing.assert_close(found.scores[rows], expected)


def test_steps_leave_what_they_should_by_hand() -> None:
    """12 anchors of the first level lose 7 to top-k; the second has 4 and loses none."""
    found = by_hand()
    assert torch.bincount(found.level).tolist() == [5, 4]
    assert len(found.chosen) == 4 and found.grids.tolist() == [[2, 3, 2], [1, 2, 2]]


def test_every_box_of_a_network_goes_back_to_its_anchor(trace: Trace) -> None:
    """From the way back alone the box is computed anew, by the formulas of the paper."""
    width, height = trace.meta["img_shape"][::-1]
    scale = np.array(trace.meta["scale_factor"] * 2)
    for fish in range(len(trace.final)):
        way = way_back(trace, fish)
        anchor, proposal = way["anchor"], way["proposal"]
        stride = anchor["stride"][0]
        centre = np.array(anchor["box"]).reshape(2, 2).mean(axis=0)
        np.testing.assert_allclose(centre, [anchor["column"] * stride, anchor["row"] * stride],
                                   atol=1e-3)  # fmt: skip
        assert anchor["level"] == f"P{int(np.log2(stride))}"
        box = clip(moved(anchor["box"], proposal["deltas"], [1, 1, 1, 1]), width, height)
        np.testing.assert_allclose(box, proposal["box"], atol=2e-3)
        last = clip(moved(proposal["box"], way["deltas"], [0.1, 0.1, 0.2, 0.2]), width, height)
        np.testing.assert_allclose(last / scale, way["box"], atol=2e-3)
        x1, y1, x2, y2 = proposal["box"]
        level = np.clip(np.floor(np.log2(np.sqrt((x2 - x1) * (y2 - y1)) / 56 + 1e-6)), 0, 3)
        assert way["roi_level"] == f"P{int(level) + 2}"
        assert abs(sum(way["class_scores"].values()) - 1) < 1e-5
        assert way["score"] == way["class_scores"][way["class"]]


def moved(box: list[float], deltas: list[float], stds: list[float]) -> np.ndarray:
    """Ren et al., 2015, equation 2, solved for the box; growth is held as mmdet does."""
    x1, y1, x2, y2 = box
    dx, dy, dw, dh = np.array(deltas) * stds
    most = abs(np.log(16 / 1000))
    x, y = (x1 + x2) / 2 + dx * (x2 - x1), (y1 + y2) / 2 + dy * (y2 - y1)
    w = (x2 - x1) * np.exp(np.clip(dw, -most, most))
    h = (y2 - y1) * np.exp(np.clip(dh, -most, most))
    return np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2])


def clip(box: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.clip(box, 0, [width, height, width, height])


def test_counts_add_up(trace: Trace) -> None:
    *levels, all_of_them = counts(trace)
    for key in ("anchors", "after_top_k", "clipped", "too_small", "after_nms", "proposals"):
        assert sum(row[key] for row in levels) == all_of_them[key]
    assert all_of_them["anchors"] == 3 * (32 * 40 + 16 * 20 + 8 * 10 + 4 * 5 + 2 * 3)
    assert [row["after_top_k"] for row in levels] == [300, 300, 240, 60, 18]
    assert all_of_them["proposals"] == len(trace.regions.rois)
