"""RoIPool against loops in NumPy, and against torchvision's kernel where their borders agree."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torchvision

import tvops  # noqa: F401
from tvops import roi_pool as module

ROIS = torch.tensor(
    [
        [0, 1.2, 2.6, 13.4, 11.1],
        [1, -4.0, -3.0, 6.0, 30.0],
        [1, 40.0, 40.0, 50.0, 50.0],
        [0, 9.0, 9.0, 3.0, 3.0],
        [0, 3.0, 3.0, 3.0, 3.0],
    ]
)


def mmcv_pool(*args):
    import mmcv.ops

    return mmcv.ops.roi_pool(*args)


def reference(features, rois, size, scale):
    height, width = features.shape[2:]
    out = np.zeros((len(rois), features.shape[1], *size))
    for r, (image, x1, y1, x2, y2) in enumerate(rois):
        left, top = x1 * scale, y1 * scale
        wide, high = (x2 + 1) * scale - left, (y2 + 1) * scale - top
        if wide <= 0 or high <= 0:
            continue
        for py, px in np.ndindex(*size):
            rows = slice(
                *(
                    int(np.clip(v, 0, height))
                    for v in (
                        math.floor(top + py * high / size[0]),
                        math.ceil(top + (py + 1) * high / size[0]),
                    )
                )
            )
            cols = slice(
                *(
                    int(np.clip(v, 0, width))
                    for v in (
                        math.floor(left + px * wide / size[1]),
                        math.ceil(left + (px + 1) * wide / size[1]),
                    )
                )
            )
            window = features[int(image), :, rows, cols]
            if window.size:
                out[r, :, py, px] = window.max(axis=(1, 2))
    return out


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_against_loops(scale):
    torch.manual_seed(0)
    features = torch.randn(2, 3, 14, 16, dtype=torch.float64)
    out = mmcv_pool(features, ROIS.double(), (3, 4), scale)
    expected = reference(features.numpy(), ROIS.double().numpy(), (3, 4), scale)
    np.testing.assert_allclose(out.numpy(), expected)


def test_against_torchvision_on_whole_pixels():
    torch.manual_seed(1)
    corner = torch.randint(0, 15, (30, 2))
    rois = torch.cat(
        [torch.randint(2, (30, 1)), corner, corner + torch.randint(0, 12, (30, 2))], 1
    ).float()
    ours, theirs = (
        torch.randn(2, 4, 20, 20, generator=torch.Generator().manual_seed(2)).requires_grad_()
        for _ in range(2)
    )
    out, expected = mmcv_pool(ours, rois, 4, 1.0), torchvision.ops.roi_pool(theirs, rois, 4, 1.0)
    torch.testing.assert_close(out, expected)
    grad = torch.randn_like(out)
    out.backward(grad)
    expected.backward(grad)
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_gradcheck():
    torch.manual_seed(3)
    features = torch.randn(2, 2, 6, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: mmcv_pool(x, ROIS.double(), (2, 3), 0.5), features)


def test_no_rois():
    assert mmcv_pool(torch.randn(1, 3, 5, 5), torch.zeros(0, 5), 7, 1.0).shape == (0, 3, 7, 7)


def test_only_empty_bins():
    features = torch.randn(2, 3, 5, 5, requires_grad=True)
    out = mmcv_pool(features, ROIS[2:4], 2, 1.0)
    out.sum().backward()
    assert out.abs().sum() == 0
    assert features.grad.abs().sum() == 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_types(dtype):
    features = torch.randn(2, 3, 14, 16).to(dtype).requires_grad_()
    out = mmcv_pool(features, ROIS, 3, 1.0)
    assert out.dtype == dtype
    torch.testing.assert_close(out.float(), mmcv_pool(features.float(), ROIS, 3, 1.0))
    out.sum().backward()
    assert features.grad.dtype == dtype


def test_parts_give_the_same(monkeypatch):
    features = torch.randn(2, 3, 14, 16)
    whole = mmcv_pool(features, ROIS, 3, 1.0)
    monkeypatch.setattr(module, "MAX_ENTRIES", 50)
    torch.testing.assert_close(mmcv_pool(features, ROIS, 3, 1.0), whole)
