"""Weights of Faster R-CNN from torchvision's form to mmdet's and back.

Three things differ: names (see ``names``); where the background stands, first in torchvision and
last in mmdet; and torchvision regresses a box for the background too, which nothing reads.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from fishdet.errors import FishdetError

from .names import CLS, REG, TV_CLS, TV_REG, layout_of, modern_names, prefixes, renamed

COUNTER = "num_batches_tracked"


def to_mmdet_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return torchvision's weights under mmdet's names, background last.

    The background's regression is dropped. Frozen batch norms of torchvision have no count of
    batches; it is zero then.

    Raises:
        FishdetError: weights of another kind of model, or class rows that do not fit.
    """
    new = modern_names(state)
    modern = {new[name]: tensor for name, tensor in state.items()}
    names = renamed(modern, prefixes(layout_of(modern)))
    out = {names[name]: tensor for name, tensor in modern.items()}
    classes = _class_count(out, REG, CLS, 4)
    for kind in _kinds(out, CLS):
        out[f"{CLS}.{kind}"] = torch.roll(out[f"{CLS}.{kind}"], -1, dims=0)
        out[f"{REG}.{kind}"] = out[f"{REG}.{kind}"][4:].clone()
    if classes < 2:
        raise FishdetError("the box predictor has no class beside the background")
    return out | _counters(out)


def to_torchvision_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return mmdet's weights under torchvision's names, background first.

    The background's regression is zero. One regression for all classes becomes the same one for
    each.

    Raises:
        FishdetError: weights of another kind of model.
    """
    pairs = {ours: theirs for theirs, ours in prefixes(layout_of(state)).items()}
    names = renamed(state, pairs)
    out = {names[name]: tensor for name, tensor in state.items()}
    classes = len(state[f"{CLS}.weight"])
    for kind in _kinds(state, CLS):
        out[f"{TV_CLS}.{kind}"] = torch.roll(out[f"{TV_CLS}.{kind}"], 1, dims=0)
        rows = out[f"{TV_REG}.{kind}"]
        if len(rows) == 4:
            rows = rows.repeat(classes - 1, *[1] * (rows.dim() - 1))
        if len(rows) != 4 * (classes - 1):
            raise FishdetError(f"{REG}.{kind}: {len(rows)} rows for {classes - 1} classes")
        out[f"{TV_REG}.{kind}"] = torch.cat([torch.zeros_like(rows[:4]), rows])
    return out


def _class_count(state: Mapping[str, Tensor], reg: str, cls: str, box: int) -> int:
    missing = [f"{name}.weight" for name in (cls, reg) if f"{name}.weight" not in state]
    if missing:
        raise FishdetError(f"the weights have no {', '.join(missing)}")
    classes, rows = len(state[f"{cls}.weight"]), len(state[f"{reg}.weight"])
    if rows != box * classes:
        raise FishdetError(
            f"{classes} class scores (with the background) and {rows} rows of box regression, "
            f"which should be {box * classes}"
        )
    return classes


def _kinds(state: Mapping[str, Tensor], layer: str) -> list[str]:
    return [kind for kind in ("weight", "bias") if f"{layer}.{kind}" in state]


def _counters(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    norms = [name.rpartition(".")[0] for name in state if name.endswith(".running_mean")]
    return {
        f"{norm}.{COUNTER}": torch.tensor(0) for norm in norms if f"{norm}.{COUNTER}" not in state
    }
