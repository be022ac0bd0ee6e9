"""Compare and average models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from fish_dataset.files import require_writable, write_atomic
from fishdet.errors import FishdetError

from .load import SHOWN, classes_of, load_checkpoint

State = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Difference:
    """How a weight differs between two models.

    ``largest`` is the largest absolute difference, ``relative`` the norm of the difference over
    the norm of the first; both None where shape or presence differ, which ``note`` says then.
    """

    name: str
    largest: float | None
    relative: float | None
    note: str = ""


def average(states: Sequence[State]) -> dict[str, torch.Tensor]:
    """Return the mean of several models of one architecture (a soup).

    Means are taken in float64. The running statistics of batch norms are averaged like weights,
    which is an approximation: those of the averaged network differ, and are found only by passing
    training pictures through it. Whole numbers (counters) are the first model's.

    Source: Wortsman et al., Model soups, https://arxiv.org/abs/2203.05482.

    Raises:
        FishdetError: fewer than two models, or names and shapes that differ.
    """
    if len(states) < 2:
        raise FishdetError("average: give at least two models")
    first = states[0]
    for number, other in enumerate(states[1:], start=2):
        _require_same(first, other, number)
    return {name: _mean([state[name] for state in states]) for name in first}


def average_files(paths: Sequence[Path], out: Path) -> dict[str, torch.Tensor]:
    """Average model files into a ``.pth`` with the first one's config and classes.

    Returns:
        the weights written.

    Raises:
        FishdetError: as ``average`` and ``load_checkpoint``; or class lists that differ.
    """
    if out.suffix != ".pth":
        raise FishdetError(f"--out {out}: name it ….pth; tools/publish.py makes a release of it")
    if len(set(map(Path.resolve, paths))) < len(paths):
        raise FishdetError("average: a checkpoint is named twice; name each once")
    require_writable(out.parent, "--out")
    checkpoints = [load_checkpoint(path) for path in paths]
    _require_same_classes(checkpoints, paths)
    state = average([checkpoint["state_dict"] for checkpoint in checkpoints])
    papers = (checkpoints[0].get("meta") or {}).get("fishdet") or {}
    kept = {key: papers[key] for key in ("config", "classes", "data_digest") if key in papers}
    meta = {"fishdet": kept, "experiment_name": out.stem, "averaged": [path.name for path in paths]}
    write_atomic(out, lambda to: torch.save({"state_dict": state, "meta": meta}, to))
    return state


def differences(one: State, other: State) -> list[Difference]:
    """Return how each weight differs, in the order of the first model, then what only one has."""
    found = [_difference(name, one[name], other.get(name)) for name in one]
    extra = [name for name in other if name not in one]
    return found + [Difference(name, None, None, "only in the second") for name in extra]


def _mean(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    first = tensors[0]
    if not first.is_floating_point():
        return first.clone()
    total = sum((tensor.double() for tensor in tensors), torch.zeros_like(first).double())
    return (total / len(tensors)).to(first.dtype)


def _difference(name: str, one: torch.Tensor, other: torch.Tensor | None) -> Difference:
    if other is None:
        return Difference(name, None, None, "only in the first")
    if one.shape != other.shape:
        return Difference(name, None, None, f"{tuple(one.shape)} and {tuple(other.shape)}")
    gap, norm = other.double() - one.double(), float(one.double().norm())
    largest = float(gap.abs().max()) if gap.numel() else 0.0
    size = float(gap.norm())
    return Difference(name, largest, size / norm if norm else (0.0 if not size else float("inf")))


def _require_same(first: State, other: State, number: int) -> None:
    faults = [f"{name}: only in model 1" for name in first if name not in other]
    faults += [f"{name}: only in model {number}" for name in other if name not in first]
    faults += [
        f"{name}: {tuple(tensor.shape)} and {tuple(other[name].shape)}"
        for name, tensor in first.items()
        if name in other and other[name].shape != tensor.shape
    ]
    if faults:
        more = f"\n  … and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        listed = "\n  ".join(faults[:SHOWN])
        raise FishdetError(
            f"average: models 1 and {number} are of different architecture:\n  {listed}{more}"
        )


def _require_same_classes(checkpoints: Sequence[Mapping[str, Any]], paths: Sequence[Path]) -> None:
    first = classes_of(checkpoints[0]) or ()
    for path, checkpoint in zip(paths[1:], checkpoints[1:], strict=True):
        classes = classes_of(checkpoint) or ()
        if classes != first:
            raise FishdetError(
                "average: the models name other classes, or in another order\n"
                f"  {paths[0]}: {', '.join(first)}\n  {path}: {', '.join(classes)}"
            )
