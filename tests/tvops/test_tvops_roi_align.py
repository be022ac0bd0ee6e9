"""RoIAlign against torchvision's kernel and against loops in plain NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torchvision

from tvops import extension
from tvops.roi_align import multilevel_roi_align, roi_align

SHAPE = (2, 3, 9, 12)
# Image, box in image pixels, scale 0.5: inside, across the border, outside, tiny, a point, whole.
BOXES = torch.tensor(
    [
        [0, 2.3, 1.7, 14.9, 12.2],
        [1, -6.0, -5.0, 9.5, 7.25],
        [1, 18.0, 12.0, 40.0, 30.0],
        [0, 60.0, 60.0, 90.0, 80.0],
        [1, 5.0, 5.0, 5.3, 5.2],
        [0, 7.0, 7.0, 7.0, 7.0],
        [1, 0.0, 0.0, 24.0, 18.0],
        [0, -2.0, -2.0, 3.0, 26.0],
    ]
)
CASES = [(ratio, aligned) for ratio in (0, 1, 2, 3) for aligned in (False, True)]


def bilinear(plane: np.ndarray, y: float, x: float) -> float:
    """Value of a plane (H, W) at a point; 0 more than a pixel outside."""
    height, width = plane.shape
    if y < -1 or y > height or x < -1 or x > width:
        return 0.0
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    y0, x0 = int(y), int(x)
    y1, x1 = min(y0 + 1, height - 1), min(x0 + 1, width - 1)
    dy, dx = y - y0, x - x0
    top = plane[y0, x0] * (1 - dx) + plane[y0, x1] * dx
    return top * (1 - dy) + (plane[y1, x0] * (1 - dx) + plane[y1, x1] * dx) * dy


def reference(features, rois, size, scale, ratio, aligned, reduce=np.mean):
    """RoIAlign in loops: (R, C, h, w)."""
    out = np.zeros((len(rois), features.shape[1], *size))
    for r, (image, *box) in enumerate(rois):
        x1, y1, x2, y2 = (value * scale - (0.5 if aligned else 0.0) for value in box)
        high, wide = y2 - y1, x2 - x1
        if not aligned:
            high, wide = max(high, 1.0), max(wide, 1.0)
        grid_y = ratio or math.ceil(high / size[0])
        grid_x = ratio or math.ceil(wide / size[1])
        if grid_y * grid_x == 0:
            continue
        for c, py, px in np.ndindex(features.shape[1], *size):
            out[r, c, py, px] = reduce(
                [
                    bilinear(
                        features[int(image), c],
                        y1 + (py + (iy + 0.5) / grid_y) * high / size[0],
                        x1 + (px + (ix + 0.5) / grid_x) * wide / size[1],
                    )
                    for iy in range(grid_y)
                    for ix in range(grid_x)
                ]
            )
    return out


def mmcv_align(*args):
    import mmcv.ops

    return mmcv.ops.roi_align(*args)


@pytest.fixture
def features() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(SHAPE, dtype=torch.float64)


@pytest.mark.parametrize(("ratio", "aligned"), CASES)
def test_against_loops(features, ratio, aligned):
    rois = BOXES.double()
    expected = reference(features.numpy(), rois.numpy(), (3, 4), 0.5, ratio, aligned)
    np.testing.assert_allclose(
        roi_align(features, rois, (3, 4), 0.5, ratio, aligned).numpy(), expected, atol=1e-9
    )
    np.testing.assert_allclose(
        mmcv_align(features, rois, (3, 4), 0.5, ratio, "avg", aligned).numpy(), expected, atol=1e-9
    )


@pytest.mark.parametrize(("ratio", "aligned"), CASES)
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_value_and_gradient_against_torchvision(ratio, aligned, memory_format):
    torch.manual_seed(1)
    base = torch.randn(3, 8, 40, 50).to(memory_format=memory_format)
    corner = torch.rand(60, 2) * 200 - 20
    rois = torch.cat([torch.randint(3, (60, 1)), corner, corner + torch.rand(60, 2) * 150], 1)
    ours, theirs = (
        base.clone(memory_format=torch.preserve_format).requires_grad_() for _ in range(2)
    )
    out = roi_align(ours, rois, 7, 0.25, ratio, aligned)
    expected = torchvision.ops.roi_align(theirs, rois, 7, 0.25, ratio, aligned)
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=1e-4)
    grad = torch.randn_like(expected)
    out.backward(grad)
    expected.backward(grad)
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("ratio", "aligned"), CASES)
@pytest.mark.parametrize("mode", ["avg", "max"])
def test_gradcheck_through_mmcv(features, ratio, aligned, mode):
    rois = BOXES.double()
    features = features[:, :2].clone().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: mmcv_align(x, rois, (2, 3), 0.5, ratio, mode, aligned), features, fast_mode=True
    )


@pytest.mark.parametrize("aligned", [False, True])
def test_gradcheck_multilevel(aligned):
    torch.manual_seed(2)
    feats = [
        torch.randn(2, 2, 12 // s, 16 // s, dtype=torch.float64, requires_grad=True) for s in (1, 2)
    ]
    rois, levels = BOXES.double(), torch.tensor([0, 1, 1, 0, 0, 1, 0, 1])
    for ratio in (0, 2):
        assert torch.autograd.gradcheck(
            lambda *maps, ratio=ratio: multilevel_roi_align(
                maps, rois, levels, 2, (2, 4), ratio, aligned
            ),
            tuple(feats),
            fast_mode=True,
        )


@pytest.mark.parametrize("ratio", [0, 2])
def test_multilevel_is_level_by_level(ratio):
    torch.manual_seed(3)
    strides = (4, 8, 16)
    feats = [torch.randn(2, 5, 96 // s, 128 // s, requires_grad=True) for s in strides]
    corner = torch.rand(50, 2) * 100
    rois = torch.cat([torch.randint(2, (50, 1)), corner, corner + torch.rand(50, 2) * 60], 1)
    levels = torch.randint(3, (50,))
    out = multilevel_roi_align(feats, rois, levels, 7, strides, ratio, True)
    for roi, level, pooled in zip(rois, levels, out, strict=True):
        expected = torchvision.ops.roi_align(
            feats[level], roi[None], 7, 1 / strides[level], ratio, True
        )[0]
        torch.testing.assert_close(pooled, expected, atol=1e-5, rtol=1e-4)
    grads = torch.autograd.grad(out.square().sum(), feats)
    assert [grad.shape for grad in grads] == [feat.shape for feat in feats]


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("ratio", [0, 2])
def test_max_mode_against_loops(features, ratio, aligned):
    rois = BOXES.double()
    out = mmcv_align(features, rois, (3, 2), 0.5, ratio, "max", aligned)
    expected = reference(features.numpy(), rois.numpy(), (3, 2), 0.5, ratio, aligned, max)
    np.testing.assert_allclose(out.numpy(), expected, atol=1e-9)


@pytest.mark.parametrize("mode", ["avg", "max"])
def test_no_rois(mode):
    features = torch.randn(SHAPE, requires_grad=True)
    out = mmcv_align(features, torch.zeros(0, 5), 7, 0.5, 0, mode, True)
    assert out.shape == (0, 3, 7, 7)
    out.sum().backward()
    assert features.grad.abs().sum() == 0


def test_no_rois_on_any_level():
    feats = [torch.randn(1, 3, 8, 8, requires_grad=True), torch.randn(1, 3, 4, 4)]
    out = multilevel_roi_align(
        feats, torch.zeros(0, 5), torch.zeros(0, dtype=torch.long), (7, 5), (4, 8), 2, True
    )
    assert out.shape == (0, 3, 7, 5)
    out.sum().backward()
    assert feats[0].grad.abs().sum() == 0


@pytest.mark.parametrize("ratio", [0, 2])
def test_box_that_is_not_a_number_pools_zeros(ratio):
    rois = torch.tensor([[0, math.nan, 0, 4, 4], [0, 0, 0, math.inf, 4.0], [0, 0, 0, 4, 4.0]])
    out = roi_align(torch.ones(SHAPE), rois, 2, 1.0, ratio, True)
    assert torch.isfinite(out).all()
    assert out[0].abs().sum() == 0
    torch.testing.assert_close(out[2], torch.ones(3, 2, 2))


@pytest.mark.parametrize(
    ("numbers", "levels", "word"),
    [([0, 2], [0, 1], "image"), ([-1, 0], [0, 0], "image"), ([0, 1], [0, 2], "level")],
)
def test_numbers_out_of_range_are_named(numbers, levels, word):
    feats = [torch.randn(SHAPE), torch.randn(SHAPE)]
    rois = torch.tensor([[number, 1.0, 1.0, 3.0, 3.0] for number in numbers])
    with pytest.raises(ValueError, match=f"{word} numbers"):
        multilevel_roi_align(feats, rois, torch.tensor(levels), 2, (1, 2), 2, True)
    with pytest.raises(ValueError, match="need one each"):
        multilevel_roi_align(feats, rois, torch.tensor(levels), 2, (1, 2, 4), 2, True)


@pytest.mark.parametrize("ratio", [0, 2])
def test_box_far_larger_than_its_map(ratio):
    features = torch.randn(1, 2, 6, 6)
    rois = torch.tensor([[0, -3e3, -2e3, 5e3, 4e3], [0, 1.0, 1.0, 4.0, 4.0]])
    torch.testing.assert_close(
        roi_align(features, rois, 2, 1.0, ratio, True),
        torchvision.ops.roi_align(features, rois, 2, 1.0, ratio, True),
        atol=1e-5,
        rtol=1e-3,
    )


def test_more_entries_than_fit_in_one_block(monkeypatch):
    from tvops import roi_table

    torch.manual_seed(4)
    features = torch.randn(2, 4, 30, 30, requires_grad=True)
    corner = torch.rand(40, 2) * 20
    rois = torch.cat([torch.randint(2, (40, 1)), corner, corner + torch.rand(40, 2) * 25], 1)

    def run(ratio):
        out = roi_align(features, rois, 5, 1.0, ratio, True)
        return out, torch.autograd.grad(out.square().sum(), features)[0]

    for ratio in (0, 2):
        whole = run(ratio)
        monkeypatch.setattr(roi_table, "MAX_ENTRIES", 1500)
        torch.testing.assert_close(run(ratio), whole)
        monkeypatch.undo()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("mode", ["avg", "max"])
def test_mixed_types_on_cpu(dtype, mode):
    """Features and RoIs of different types: where stock mmcv stops."""
    torch.manual_seed(5)
    exact = torch.randn(2, 4, 20, 20)
    rois = torch.tensor([[0, 1.0, 2.0, 13.0, 15.0], [1, 0.0, 4.0, 9.0, 17.0]])
    expected = mmcv_align(exact, rois, 7, 1.0, 2, mode, True)
    for feature_type, roi_type in ((dtype, torch.float32), (torch.float32, dtype), (dtype, dtype)):
        features = exact.clone().to(feature_type).requires_grad_()
        with torch.autocast("cpu", dtype=dtype):
            out = mmcv_align(features, rois.to(roi_type), 7, 1.0, 2, mode, True)
        assert out.dtype == feature_type
        torch.testing.assert_close(out.float(), expected, atol=0.03, rtol=0.03)
        out.float().sum().backward()
        assert features.grad.dtype == feature_type


def test_half_gradient_adds_up_in_float32():
    """5,000 RoIs on one spot: a sum kept in bf16 would stop growing at 256."""
    features = torch.zeros(1, 2, 4, 4, dtype=torch.bfloat16, requires_grad=True)
    rois = torch.tensor([[0, 0.0, 0.0, 4.0, 4.0]]).repeat(5000, 1)
    roi_align(features, rois, 1, 1.0, 1, True).sum().backward()
    assert features.grad.sum().item() == pytest.approx(2 * 5000, rel=0.01)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_torchvision_path_gives_the_same(dtype):
    """The path of other devices, taken here on the CPU."""
    from tvops.roi_align import Pooling, _torchvision, _torchvision_backward

    torch.manual_seed(6)
    features = torch.randn(SHAPE).to(dtype).requires_grad_()
    pooling = Pooling((3, 4), 0, True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = _torchvision(features, BOXES, 0.5, pooling)
    expected = roi_align(features, BOXES, (3, 4), 0.5, 0, True)
    assert out.dtype == dtype
    torch.testing.assert_close(out, expected, atol=2e-2, rtol=2e-2)
    grad = torch.randn_like(out)
    torch.testing.assert_close(
        _torchvision_backward(grad, BOXES, features.shape, 0.5, pooling).to(dtype),
        torch.autograd.grad(expected, features, grad)[0],
        atol=2e-2,
        rtol=2e-2,
    )


def test_rois_get_no_gradient_and_entry_writes_in_place():
    features, rois = torch.randn(SHAPE), BOXES.clone().requires_grad_()
    assert not roi_align(features, rois, 3, 0.5, 2, True).requires_grad
    output = torch.full((len(BOXES), 3, 3, 3), 7.0)
    empty = features.new_zeros(0)
    extension.roi_align_forward(
        features,
        BOXES,
        output,
        empty,
        empty,
        aligned_height=3,
        aligned_width=3,
        spatial_scale=0.5,
        sampling_ratio=2,
        pool_mode=1,
        aligned=True,
    )
    torch.testing.assert_close(output, roi_align(features, BOXES, 3, 0.5, 2, True))
