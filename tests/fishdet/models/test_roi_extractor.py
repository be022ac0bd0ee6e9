"""The multi-level extractor against mmdet's own."""

from __future__ import annotations

import pytest
import torch
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor

from fishdet.models import MultiLevelRoIExtractor

STRIDES = [4, 8, 16, 32]


def make(kind: type, sampling_ratio: int = 2) -> torch.nn.Module:
    layer = dict(type="RoIAlign", output_size=7, sampling_ratio=sampling_ratio)
    return kind(roi_layer=layer, out_channels=8, featmap_strides=STRIDES)


def features(requires_grad: bool = False) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    maps = [torch.randn(2, 8, 256 // s, 192 // s, generator=generator) for s in STRIDES]
    return [m.requires_grad_(requires_grad) for m in maps]


def rois(number: int = 60) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    corner = torch.rand(number, 2, generator=generator) * 180
    size = 2 + torch.rand(number, 2, generator=generator) ** 3 * 230
    batch = torch.randint(0, 2, (number, 1), generator=generator).float()
    return torch.cat([batch, corner, corner + size], 1)


@pytest.mark.parametrize("sampling_ratio", [0, 2])
def test_equals_mmdet_forward_and_backward(sampling_ratio: int) -> None:
    boxes = rois()
    ours, theirs = features(True), features(True)
    got = make(MultiLevelRoIExtractor, sampling_ratio)(ours, boxes)
    want = make(SingleRoIExtractor, sampling_ratio)(theirs, boxes)
    torch.testing.assert_close(got, want, atol=1e-4, rtol=1e-4)
    weight = torch.randn(got.shape, generator=torch.Generator().manual_seed(2))
    (got * weight).sum().backward()
    (want * weight).sum().backward()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad, atol=1e-3, rtol=1e-3)


def test_no_rois_give_no_features() -> None:
    assert make(MultiLevelRoIExtractor)(features(), rois(0)).shape == (0, 8, 7, 7)


def test_bf16_features_keep_the_rois_exact() -> None:
    """Trap 13; and a RoI at x = 180.7 rounded to bf16 would move by up to half a pixel."""
    maps = [m.bfloat16() for m in features()]
    boxes = rois()
    got = make(MultiLevelRoIExtractor)(maps, boxes)
    want = make(MultiLevelRoIExtractor)([m.float() for m in maps], boxes)
    assert got.dtype == torch.bfloat16
    torch.testing.assert_close(got.float(), want, atol=0.03, rtol=0.02)
