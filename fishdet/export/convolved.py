"""Fully connected layers on whole maps as convolutions: what OpenVINO has the faster INT8 code for.

A layer that takes flattened (C, h, w) maps is a convolution with filters as large as they: the same
sums. OpenVINO 2026.4 runs an INT8 matrix product of a CPU with AVX2 in a general kernel
(``jit_gemm_I8``), and a convolution in one that was written for it; in FP32 its matrix product is
the faster one, so that only models to be quantised are rewritten. With AVX512_VNNI the INT8 matrix
product has code of its own, and takes a quarter of the convolution's time: no rewriting there. A
file in INT8 is fastest on CPUs like the one that it was made on.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def convolve_maps(model: Any) -> int:
    """Rewrite an OpenVINO model in place and return how many layers it had to rewrite.

    The convolution has the matrix product's name, so that layers are called as before.
    """
    found = 0
    for product in list(model.get_ordered_ops()):
        if product.get_type_name() == "MatMul" and (maps := _maps_of(product)) is not None:
            _rewrite(product, maps)
            found += 1
    model.validate_nodes_and_infer_types()
    return found


def _maps_of(product: Any) -> Any:
    """The (N, C, h, w) maps that a product with constant weights (outputs, C h w) flattens."""
    flat, weights = (value.get_node() for value in product.input_values())
    turns = product.get_attributes()
    if flat.get_type_name() != "Reshape" or weights.get_type_name() != "Constant":
        return None
    shape = flat.input_value(0).get_partial_shape()
    if turns["transpose_a"] or not turns["transpose_b"] or len(weights.shape) != 2:
        return None
    if shape.rank.is_dynamic or len(shape) != 4 or any(side.is_dynamic for side in list(shape)[1:]):
        return None
    size = int(np.prod([side.get_length() for side in list(shape)[1:]]))
    return flat.input_value(0) if size == weights.shape[1] else None


def _rewrite(product: Any, maps: Any) -> None:
    from openvino import opset13

    weights = product.input_value(1).get_node()
    sides = [side.get_length() for side in list(maps.get_partial_shape())[1:]]
    filters = opset13.constant(weights.data.reshape(-1, *sides), name=weights.get_friendly_name())
    result = opset13.convolution(maps, filters, [1, 1], [0, 0], [0, 0], [1, 1])
    last = product
    name = product.get_friendly_name()
    users = list(product.output(0).get_target_inputs())
    bias = _bias(users[0].get_node()) if len(users) == 1 else None
    if bias is not None:  # beside the convolution, where it costs nothing
        last = users[0].get_node()
        result.set_friendly_name(name)
        result = opset13.add(result, opset13.constant(bias.reshape(1, -1, 1, 1)))
        name = last.get_friendly_name()
    result.set_friendly_name(name)
    outputs = opset13.constant(np.array([0, filters.shape[0]], np.int64))
    flat = opset13.reshape(result, outputs, special_zero=True, name=f"{name}/Flatten")
    last.output(0).replace(flat.output(0))


def _bias(user: Any) -> np.ndarray | None:
    if user.get_type_name() != "Add":
        return None
    sides = [value.get_node() for value in user.input_values()]
    constant = next((one for one in sides if one.get_type_name() == "Constant"), None)
    return None if constant is None else np.asarray(constant.data)
