"""The last layers of heads compute in float32 when a network predicts in bf16."""

from __future__ import annotations

import pytest
import torch
from mmdet.registry import MODELS
from mmdet.utils import register_all_modules
from small_detectors import KINDS, lively, small_config
from torch import nn

from fishdet.models.last_layers import predict_in_full


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_head_has_some(kind: str) -> None:
    register_all_modules(init_default_scope=False)
    model = MODELS.build(small_config(kind).model)
    lively(model)
    names = model.state_dict().keys()
    assert predict_in_full(model) >= 2
    assert predict_in_full(model) == 0, "once is enough"
    assert model.state_dict().keys() == names


class Head(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.fc_cls = nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc_cls(self.body(x))


def test_scores_keep_their_digits_and_training_stays_as_it_was() -> None:
    head, x = Head(), torch.randn(5, 8)
    plain = head(x)
    assert predict_in_full(head) == 1
    torch.testing.assert_close(head(x), plain, rtol=0, atol=0)
    with torch.autocast("cpu", torch.bfloat16):
        assert head.train()(x).dtype == torch.bfloat16
        found = head.eval()(x)
        body = head.body(x)
    assert body.dtype == torch.bfloat16 and found.dtype == torch.float32
    torch.testing.assert_close(found, head.fc_cls(body.float()), rtol=0, atol=0)
