"""The least score of each class, from what a user asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from fish_dataset.catalogue import fold
from fishdet.errors import FishdetError

Threshold: TypeAlias = "float | Mapping[str, float]"
DEFAULT = 0.3
ANY = "*"


def thresholds_for(wanted: Threshold, classes: Sequence[str]) -> np.ndarray:
    """Return the threshold of each class, float32 (C,).

    Args:
        wanted: one for all, or class name → threshold. Classes that are not named have that of
            ``'*'``, else 0.3. Names are compared as the catalogue does, without case and spaces.
        classes: the class names in the order of the labels.

    Raises:
        FishdetError: a class that the model does not have, or a value outside 0 to 1.
    """
    if not isinstance(wanted, Mapping):
        return np.full(len(classes), _checked("score_thr", wanted), np.float32)
    label_of = {fold(name): label for label, name in enumerate(classes)}
    values = np.full(len(classes), _checked(ANY, wanted.get(ANY, DEFAULT)), np.float32)
    for name, value in wanted.items():
        if name == ANY:
            continue
        if fold(name) not in label_of:
            raise FishdetError(
                f"score_thr of {name!r}: the model has no such class; it has {', '.join(classes)}"
            )
        values[label_of[fold(name)]] = _checked(name, value)
    return values


def parse_threshold(texts: Sequence[str]) -> Threshold:
    """Return the value of ``--score-thr``: ``0.4``, or ``salmon=0.5 eel=0.2 0.3`` (the bare one is
    for the rest).

    Raises:
        FishdetError: not a number, or two bare numbers.
    """
    pairs = [text.rpartition("=") for text in texts]
    values = {
        name or ANY: _number(text, value)
        for text, (name, _, value) in zip(texts, pairs, strict=True)
    }
    if len(values) < len(pairs):
        raise FishdetError(f"--score-thr {' '.join(texts)}: a class, or the rest, has two values")
    return values[ANY] if list(values) == [ANY] else values


def _number(text: str, value: str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise FishdetError(f"--score-thr {text}: give 0.4 or NAME=0.4") from error


def _checked(name: str, value: float) -> float:
    if not 0 <= value <= 1:
        what = name if name == "score_thr" else f"score_thr of {name!r}:"
        raise FishdetError(f"{what} {value}: a score lies between 0 and 1")
    return float(value)
