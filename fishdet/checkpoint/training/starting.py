"""What a training takes from a checkpoint that it starts from (``load_from``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

from ..load import classes_of
from ..torchvision.convert import to_mmdet_state
from ..torchvision.names import CLS, is_torchvision
from .heads import fit_head


def starting_weights(
    checkpoint: Mapping[str, Any], model: Mapping[str, Tensor], classes: Sequence[str]
) -> tuple[dict[str, Tensor], list[str]]:
    """Return the weights to start from, for the classes of the data, and what to log.

    torchvision's weights get mmdet's names, and the class heads rows for ``classes``.

    Args:
        checkpoint: what ``load_checkpoint`` returned.
        model: the weights that the model has now.
        classes: of the training data, in order.

    Raises:
        FishdetError: torchvision's weights of another kind of model.
    """
    state, notes = dict(checkpoint.get("state_dict", checkpoint)), []
    state = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    names = classes_of(checkpoint)
    if is_torchvision(state):
        state = to_mmdet_state(state)
        names = names or _coco_names(state)
        notes.append("The weights are torchvision's; they are renamed, the background put last.")
    if names is None:
        notes.append("The checkpoint names no classes: class heads of the same size are kept.")
    elif list(names) != list(classes) and classes:
        fitted = fit_head(state, names, classes, model)
        state = fitted.state
        notes.append(fitted.report())
    return state, [*notes, *_misfits(state, model)]


def _coco_names(state: Mapping[str, Tensor]) -> tuple[str, ...] | None:
    """Return COCO's names where torchvision's head has the 91 rows of its COCO weights."""
    names = tuple(FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"][1:])
    return names if len(state[f"{CLS}.weight"]) == len(names) + 1 else None


def _misfits(state: dict[str, Tensor], model: Mapping[str, Tensor]) -> list[str]:
    """Take out what has another shape than the model's; the loader would list it as an error."""
    odd = [name for name in state if name in model and state[name].shape != model[name].shape]
    for name in odd:
        del state[name]
    if not odd:
        return []
    return [f"{len(odd)} weights of another shape start anew: {', '.join(odd[:5])}"]
