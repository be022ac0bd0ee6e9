"""Sizes that stay open in a trace."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def size(tensor: Tensor, axis: int) -> Any:
    """Return the length of an axis as an int64 scalar tensor, which a trace follows."""
    return torch._shape_as_tensor(tensor)[axis]


def best(scores: Tensor, at_most: int) -> tuple[Tensor, Tensor]:
    """Return the highest of each row, sorted, and where they stand.

    Args:
        scores: (B, N).
        at_most: how many a row; fewer where N is smaller.

    Returns:
        Values and int64 columns, each (B, min(N, at_most)).
    """
    limit = torch.minimum(size(scores, 1), torch.tensor(at_most))
    return torch.topk(scores, _number(limit), dim=1)


def rows(values: Tensor, index: Tensor) -> Tensor:
    """Return ``values`` (B, N, K) at ``index`` (B, M) as (B, M, K)."""
    return torch.gather(values, 1, index.unsqueeze(-1).expand(-1, -1, values.shape[-1]))


def _number(value: Tensor) -> int:
    """A traced scalar where Python asks for a number; outside a trace the number itself."""
    return value if torch.jit.is_tracing() else int(value)  # type: ignore[return-value]
