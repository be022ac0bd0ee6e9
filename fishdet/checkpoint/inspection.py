"""Look into a model file without building it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from .header import read_header
from .published import SUFFIX, read_metadata


def inspect(path: Path) -> dict[str, Any]:
    """Return what a model file is: papers, tensors, numbers and bytes.

    Of a ``.safetensors`` only the header is read; a ``.pth`` has no header and is read whole.

    Raises:
        FishdetError: the file cannot be read.
    """
    if path.suffix != SUFFIX:
        from .load import load_checkpoint  # brings PyTorch, which a header is read without

        checkpoint = load_checkpoint(path)
        papers = (checkpoint.get("meta") or {}).get("fishdet") or {}
        shapes = {k: tuple(v.shape) for k, v in checkpoint["state_dict"].items()}
        dtypes = [str(v.dtype).removeprefix("torch.") for v in checkpoint["state_dict"].values()]
    else:
        header = read_header(path)
        papers = read_metadata(path) if "fishdet" in header.metadata else {}
        shapes = {name: tensor.shape for name, tensor in header.tensors.items()}
        dtypes = [tensor.dtype for tensor in header.tensors.values()]
    numbers = {name: math.prod(shape) for name, shape in shapes.items()}
    parts: dict[str, int] = {}
    for name, count in numbers.items():
        part = name.split(".")[0]
        parts[part] = parts.get(part, 0) + count
    return {
        "file": str(path),
        "bytes": path.stat().st_size,
        "tensors": len(shapes),
        "numbers": sum(numbers.values()),
        "parts": parts,
        "dtypes": {dtype: dtypes.count(dtype) for dtype in sorted(set(dtypes))},
        "papers": {key: value for key, value in papers.items() if key != "config"},
    }
