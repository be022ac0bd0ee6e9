"""Class heads for other species than a model was trained on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fish_dataset.merge.class_identity import identify

BACKGROUND_LAST, BOXES, SIGMOID = "background last", "boxes", "sigmoid"
# Layers of mmdet 3.5's heads by how their rows stand: one a class and the background's at the end;
# four a class; one a class within each anchor.
_LAYERS = (
    (re.compile(r"(^|\.)fc_cls(\.\d+)?\.(weight|bias)$"), BACKGROUND_LAST),
    (re.compile(r"(^|\.)fc_reg(\.\d+)?\.(weight|bias)$"), BOXES),
    (
        re.compile(
            r"(^|\.)((retina|atss|gfl|vfnet|rtm|tood)_cls|conv_cls|cls_branches"
            r"|multi_level_conv_cls)(\.\d+)*\.(weight|bias)$"
        ),
        SIGMOID,
    ),
)


@dataclass(frozen=True)
class FittedHead:
    """Weights for new classes, and what became of the classes.

    Attributes:
        state: all weights; those of the class heads have rows for the new classes.
        kept: for each shared species its new name, and its old one.
        new: classes that start from initial values.
        dropped: old classes that the new list has not.
        layers: the weights whose rows were moved.
    """

    state: dict[str, Tensor]
    kept: dict[str, str]
    new: tuple[str, ...]
    dropped: tuple[str, ...]
    layers: tuple[str, ...]

    def report(self) -> str:
        """Return in a line what was kept."""
        kept = ", ".join(
            name if name == old else f"{name} (was {old})" for name, old in self.kept.items()
        )
        return (
            f"Class heads: {len(self.kept)} species keep their weights ({kept or 'none'}); "
            f"{len(self.new)} start anew ({', '.join(self.new) or 'none'}); "
            f"{len(self.dropped)} are dropped."
        )


def fit_head(
    state_dict: Mapping[str, Tensor],
    old_classes: Sequence[str],
    new_classes: Sequence[str],
    initial: Mapping[str, Tensor] | None = None,
) -> FittedHead:
    """Return the weights for other classes: rows of shared species move to their new places.

    Species are the same if the catalogue's id is, under whatever name, or the spelling without
    case and punctuation. The background's row, box regression that all classes share, and all
    other weights stay.

    Args:
        state_dict: mmdet's weights by name.
        old_classes: what they were trained on, in order.
        new_classes: what they are to serve for.
        initial: weights of the new model as it starts, whose rows new species get; zeros by
            default.
    """
    old_keys = [identify(name).key for name in old_classes]
    source = [_index(old_keys, identify(name).key) for name in new_classes]
    out, layers = dict(state_dict), []
    for name, tensor in state_dict.items():
        rows = _rows(name, tensor, len(old_classes), source)
        if rows is not None:
            out[name] = _gather(tensor, rows, (initial or {}).get(name))
            layers.append(name)
    pairs = list(zip(new_classes, source, strict=True))
    used = {index for index in source if index is not None}
    return FittedHead(
        out,
        {name: old_classes[index] for name, index in pairs if index is not None},
        tuple(name for name, index in pairs if index is None),
        tuple(name for index, name in enumerate(old_classes) if index not in used),
        tuple(layers),
    )


def _index(keys: Sequence[str], key: str) -> int | None:
    return keys.index(key) if key in keys else None


def _rows(
    name: str, tensor: Tensor, old: int, source: Sequence[int | None]
) -> list[int | None] | None:
    """Return for each new row the old one it comes from (None: anew), or None for no class head."""
    kind = next((kind for pattern, kind in _LAYERS if pattern.search(name)), None)
    if kind is None or tensor.dim() == 0:
        return None
    length = len(tensor)
    if kind == BACKGROUND_LAST and length == old + 1:
        return [*source, old]
    if kind == BOXES and length == 4 * old and old > 1:
        return [None if i is None else 4 * i + j for i in source for j in range(4)]
    if kind == SIGMOID and length % old == 0:
        anchors = length // old
        return [None if i is None else a * old + i for a in range(anchors) for i in source]
    return None


def _gather(tensor: Tensor, rows: Sequence[int | None], initial: Tensor | None) -> Tensor:
    shape = (len(rows), *tensor.shape[1:])
    out = tensor.new_zeros(shape)
    if initial is not None and initial.shape == shape:
        out.copy_(initial.detach())
    targets = [index for index, row in enumerate(rows) if row is not None]
    sources = [row for row in rows if row is not None]
    if targets:
        out[torch.tensor(targets)] = tensor[torch.tensor(sources)]
    return out
