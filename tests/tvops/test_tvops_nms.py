"""NMS in its three forms, through mmcv's own functions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st

import tvops  # noqa: F401
from tvops.nms import best_nms


@pytest.fixture(scope="module")
def ops():
    import mmcv.ops

    return mmcv.ops


def random_boxes(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator) * 40
    size = torch.rand(count, 2, generator=generator) * 30
    return torch.cat([corner, corner + size], 1), torch.rand(count, generator=generator)


def iou(a, b, offset):
    wide = min(a[2], b[2]) - max(a[0], b[0]) + offset
    high = min(a[3], b[3]) - max(a[1], b[1]) + offset
    inter = max(wide, 0) * max(high, 0)
    areas = sum((box[2] - box[0] + offset) * (box[3] - box[1] + offset) for box in (a, b))
    return inter / (areas - inter) if areas - inter else float("nan")


def greedy(boxes, scores, threshold, offset, strict=True):
    """Groups of box numbers: the kept one first, then those that it suppresses."""
    left = sorted(range(len(boxes)), key=lambda i: -scores[i])
    groups = []
    while left:
        best, *rest = left
        overlaps = {i: iou(boxes[best], boxes[i], offset) for i in rest}
        gone = [
            i for i in rest if (overlaps[i] > threshold if strict else overlaps[i] >= threshold)
        ]
        groups.append([best, *gone])
        left = [i for i in rest if i not in gone]
    return groups


def soft(boxes, scores, threshold, sigma, min_score, method, offset):
    scores, left, kept = dict(enumerate(scores)), list(range(len(boxes))), []
    while left:
        best = max(left, key=lambda i: scores[i])
        kept.append((best, scores[best]))
        left.remove(best)
        for i in list(left):
            overlap = iou(boxes[best], boxes[i], offset)
            if method == "gaussian":
                scores[i] *= np.exp(-(overlap**2) / sigma)
            elif overlap >= threshold:
                scores[i] *= 0 if method == "naive" else 1 - overlap
            if scores[i] < min_score:
                left.remove(i)
    return kept


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.9])
def test_nms_against_loops(ops, offset, threshold):
    boxes, scores = random_boxes(60)
    dets, keep = ops.nms(boxes, scores, threshold, offset=offset)
    assert keep.tolist() == [
        group[0] for group in greedy(boxes.tolist(), scores.tolist(), threshold, offset)
    ]
    torch.testing.assert_close(dets, torch.cat([boxes[keep], scores[keep, None]], 1))


def test_nms_against_torchvision(ops):
    boxes, scores = random_boxes(500, seed=1)
    assert torch.equal(ops.nms(boxes, scores, 0.5)[1], torchvision.ops.nms(boxes, scores, 0.5))


@settings(max_examples=150, deadline=None)
@given(
    count=st.integers(0, 700),
    spread=st.sampled_from([1.0, 20.0, 400.0]),
    threshold=st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0]),
    whole=st.booleans(),
    classes=st.integers(1, 4),
    most=st.integers(-1, 400),
    seed=st.integers(0, 2**16),
)
def test_the_best_are_those_that_torchvision_keeps(
    count, spread, threshold, whole, classes, most, seed
):
    """Whole numbers make ties of scores, equal boxes, and IoUs that are just the threshold."""
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator) * spread
    boxes = torch.cat([corner, corner + torch.rand(count, 2, generator=generator) * 20], 1)
    scores = torch.rand(count, generator=generator)
    if whole:
        boxes, scores = boxes.round(), scores.mul(8).round()
    groups = torch.randint(0, classes, (count,), generator=generator)
    every = torch.cat(
        [torch.arange(count)[:0]]
        + [
            (own := (groups == group).nonzero()[:, 0])[
                torchvision.ops.nms(boxes[own], scores[own], threshold)
            ]
            for group in range(classes)
        ]
    ).sort()[0]
    every = every[scores[every].argsort(descending=True, stable=True)]
    wanted = every[:most] if most > 0 else every
    assert torch.equal(best_nms(boxes, scores, threshold, most, groups), wanted)
    if classes == 1:
        assert torch.equal(best_nms(boxes, scores, threshold, most), wanted)


def test_an_iou_that_float32_rounds_up_to_the_threshold_is_greater():
    """0.3 in float32 is greater than 0.3: torchvision compares in double precision."""
    boxes = torch.tensor([[0.0, 0.0, 10.0, 1.0], [0.0, 0.0, 3.0, 1.0]])
    scores = torch.tensor([0.9, 0.8])
    assert len(torchvision.ops.nms(boxes, scores, 0.3)) == len(best_nms(boxes, scores, 0.3, 9)) == 1
    assert len(best_nms(boxes.double(), scores, 0.3, 9)) == 2


def test_the_best_of_unequal_numbers_are_refused():
    boxes, scores = random_boxes(4)
    for parts in ((boxes, scores[:3]), (boxes[:3], scores), (boxes, scores, torch.zeros(5))):
        with pytest.raises(ValueError, match="not equally many"):
            best_nms(*parts[:2], 0.5, 2, *parts[2:])


def test_the_best_of_half_precision():
    boxes, scores = random_boxes(300)
    scores = scores.bfloat16()
    wanted = torchvision.ops.nms(boxes, scores.float(), 0.5)[:40]
    assert torch.equal(best_nms(boxes, scores, 0.5, 40), wanted)


def test_offset_decides(ops):
    """IoU 1/3 when width is x2 - x1, 4/8 when it counts pixels."""
    boxes = torch.tensor([[0.0, 0.0, 2.0, 1.0], [1.0, 0.0, 3.0, 1.0]])
    scores = torch.tensor([0.9, 0.8])
    assert len(ops.nms(boxes, scores, 0.4, offset=0)[1]) == 2
    assert len(ops.nms(boxes, scores, 0.4, offset=1)[1]) == 1


@pytest.mark.parametrize("count", [0, 1])
def test_few_boxes(ops, count):
    boxes, scores = random_boxes(count)
    dets, keep = ops.nms(boxes, scores, 0.5)
    assert dets.shape == (count, 5)
    assert keep.tolist() == list(range(count))
    dets, keep = ops.soft_nms(boxes, scores, min_score=0.0)
    assert dets.shape == (count, 5)
    assert keep.tolist() == list(range(count))
    assert [
        group.tolist() for group in ops.nms_match(torch.cat([boxes, scores[:, None]], 1), 0.5)
    ] == [[i] for i in range(count)]


def test_boxes_without_area_do_not_suppress(ops):
    boxes = torch.tensor([[3.0, 3.0, 3.0, 3.0], [3.0, 3.0, 3.0, 3.0]])
    assert ops.nms(boxes, torch.tensor([0.9, 0.8]), 0.5)[1].tolist() == [0, 1]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_mixed_types_under_autocast(ops, dtype):
    boxes, scores = random_boxes(50)
    boxes = boxes.round()
    expected = ops.nms(boxes, scores.to(dtype).float(), 0.5)[1]
    half = dtype if dtype.itemsize == 2 else torch.bfloat16
    with torch.autocast("cpu", dtype=half):
        for box_type, score_type in ((dtype, dtype), (torch.float32, dtype)):
            keep = ops.nms(boxes.to(box_type), scores.to(score_type), 0.5)[1]
            assert torch.equal(keep, expected)
        ops.soft_nms(boxes.to(dtype), scores.to(dtype))


def test_batched_nms_keeps_classes_apart(ops):
    boxes = torch.tensor([[0.0, 0.0, 9.0, 9.0], [0.0, 0.0, 9.0, 9.0], [0.0, 0.0, 9.0, 8.0]])
    labels = torch.tensor([0, 1, 0])
    dets, keep = ops.batched_nms(
        boxes, torch.tensor([0.5, 0.9, 0.7]), labels, dict(type="nms", iou_threshold=0.5)
    )
    assert keep.tolist() == [1, 2]
    assert dets[:, 4].tolist() == pytest.approx([0.9, 0.7])


@pytest.mark.parametrize("method", ["naive", "linear", "gaussian"])
@pytest.mark.parametrize("offset", [0, 1])
def test_soft_nms_against_loops(ops, method, offset):
    boxes, scores = random_boxes(40, seed=3)
    dets, keep = ops.soft_nms(boxes, scores, 0.3, 0.5, 0.1, method, offset)
    kept = soft(boxes.tolist(), scores.tolist(), 0.3, 0.5, 0.1, method, offset)
    assert keep.tolist() == [number for number, _ in kept]
    np.testing.assert_allclose(dets[:, 4].numpy(), [score for _, score in kept], rtol=1e-4)
    torch.testing.assert_close(dets[:, :4], boxes[keep])


@pytest.mark.parametrize("threshold", [0.2, 0.6])
def test_nms_match_against_loops(ops, threshold):
    boxes, scores = random_boxes(40, seed=4)
    groups = ops.nms_match(torch.cat([boxes, scores[:, None]], 1), threshold)
    assert [group.tolist() for group in groups] == greedy(
        boxes.tolist(), scores.tolist(), threshold, 0, strict=False
    )


def test_numpy_in_numpy_out(ops):
    boxes, scores = random_boxes(20)
    dets, keep = ops.nms(boxes.numpy(), scores.numpy(), 0.5)
    assert isinstance(dets, np.ndarray)
    assert keep.tolist() == ops.nms(boxes, scores, 0.5)[1].tolist()
