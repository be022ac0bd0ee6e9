"""Import mmdet's data sets without the line that the fork prints on every start.

It says that an optional package of its maintainer is absent, which looks like a fault and is none.
"""

from __future__ import annotations

import io
from contextlib import redirect_stdout

import tvops  # noqa: F401  (before mmdet.datasets, which imports mmcv.ops)

with redirect_stdout(io.StringIO()):
    from mmdet.datasets import BaseDetDataset

__all__ = ["BaseDetDataset"]
