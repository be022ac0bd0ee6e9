"""A network's layers by the names of their operations: what stays in FP32 is chosen among them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

EXACT = (".*pixels/.*", r".*/heads/(?!(proposals/head|heads\.\d+|head)/).*")
"""Never quantised: resizing and boxes are arithmetic on pixels, which 8 bits would move."""

_PARTS = ("/body/", "/neck/", "/heads/")
_WEIGHTED = {"Conv", "ConvTranspose", "Gemm", "MatMul",  # ONNX
             "Convolution", "GroupConvolution", "ConvolutionBackpropData"}  # fmt: skip  # OpenVINO
_ENDING = re.compile(r"/(Conv|ConvTranspose|Gemm|MatMul)(_\d+)?(/WithoutBiases)?$")


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes:
        name: of its module, such as ``body/layer1/layer1.0/conv1``.
        operations: its convolution or matrix product, and what follows up to the next layer's
            (bias, activation, sum), as the graph names them.
    """

    name: str
    operations: tuple[str, ...] = field(repr=False)


def layers_of(model: Any) -> list[Layer]:
    """Return the layers of an ONNX or OpenVINO model, body, neck and heads in turn."""
    return group(_operations(model))


def group(operations: Iterable[tuple[str, str]]) -> list[Layer]:
    """Return the layers of operations (name, kind) that stand in the order of computation."""
    found: dict[str, list[tuple[str, list[str]]]] = {part: [] for part in _PARTS}
    for name, kind in operations:
        part = next((part for part in _PARTS if name.startswith(part)), None)
        if part is None or any(re.fullmatch(pattern, name) for pattern in EXACT):
            continue
        if kind in _WEIGHTED:
            found[part].append((_ENDING.sub("", name).strip("/"), [name]))
        elif found[part]:
            found[part][-1][1].append(name)
    return [Layer(name, tuple(names)) for part in _PARTS for name, names in found[part]]


def _operations(model: Any) -> Iterable[tuple[str, str]]:
    if hasattr(model, "get_ordered_ops"):
        return ((op.get_friendly_name(), op.get_type_name()) for op in model.get_ordered_ops())
    return ((node.name, node.op_type) for node in model.graph.node)
