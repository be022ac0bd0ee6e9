"""The header of a safetensors file, read and checked without its weights.

Format: https://github.com/huggingface/safetensors#format (read 2026-11-25): 8 bytes with the
length of a JSON header, the header, the tensors' bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fishdet.errors import FishdetError

from .safety.limits import MAX_TEXT, parse_json

# Bytes a number and torch's name, by safetensors' name.
DTYPES = {
    "F64": (8, "float64"),
    "F32": (4, "float32"),
    "F16": (2, "float16"),
    "BF16": (2, "bfloat16"),
    "I64": (8, "int64"),
    "I32": (4, "int32"),
    "I16": (2, "int16"),
    "I8": (1, "int8"),
    "U8": (1, "uint8"),
    "BOOL": (1, "bool"),
}


@dataclass(frozen=True)
class Tensor:
    """One tensor of a header: dtype as safetensors names it, shape, bytes after the header."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class Header:
    """What stands before the weights, which begin at byte ``start``."""

    tensors: dict[str, Tensor]
    metadata: dict[str, Any]
    start: int


def read_header(path: Path) -> Header:
    """Return the checked header of a safetensors file.

    Every number in it is held against the file: tensors lie one behind the other, without gap or
    overlap, each as long as its shape says, up to the last byte.

    Raises:
        FishdetError: names the fault.
    """
    if not path.is_file():
        raise FishdetError(f"{path}: no such model file")
    size = path.stat().st_size
    if size < 8:
        raise FishdetError(f"{path}: empty or cut short: {size} bytes; copy or download it again")
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(MAX_TEXT, size - 8):
            raise FishdetError(
                f"{path}: cut short, or no safetensors file: a header of {length:,} bytes in a "
                f"file of {size:,} (at most {MAX_TEXT:,} are read)"
            )
        header = parse_json(file.read(length), f"{path}: header")
    if not isinstance(header, dict):
        raise FishdetError(f"{path}: the header is no JSON object")
    metadata = header.pop("__metadata__", {})
    tensors = {name: _tensor(path, name, entry) for name, entry in header.items()}
    _require_seamless(path, tensors, size - 8 - length)
    return Header(tensors, metadata if isinstance(metadata, dict) else {}, 8 + length)


def _tensor(path: Path, name: str, entry: Any) -> Tensor:
    try:
        dtype, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
        whole = all(type(n) is int and 0 <= n < 2**48 for n in (*shape, begin, end))
        expected = math.prod(shape) * DTYPES[dtype][0] if whole else -1
    except (KeyError, TypeError, ValueError) as error:
        raise FishdetError(
            f"{path}: tensor {name!r}: dtype, shape or data_offsets missing or of an unknown kind"
        ) from error
    if not whole or end - begin != expected:
        raise FishdetError(
            f"{path}: tensor {name!r}: {dtype} of shape {list(shape)} does not fill bytes "
            f"{begin} to {end}"
        )
    return Tensor(dtype, shape, begin, end)


def _require_seamless(path: Path, tensors: Mapping[str, Tensor], size: int) -> None:
    at = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        if tensor.begin != at:
            kind = "overlaps the one before" if tensor.begin < at else "leaves a gap before it"
            raise FishdetError(f"{path}: tensor {name!r} {kind} (byte {tensor.begin}, not {at})")
        at = tensor.end
    if at != size:
        raise FishdetError(
            f"{path}: cut short or grown: the header speaks of {at:,} bytes of weights, and the "
            f"file has {size:,}"
        )
