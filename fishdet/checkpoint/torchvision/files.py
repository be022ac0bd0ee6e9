"""One command for both directions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fishdet.checkpoint.load import load_checkpoint

from .exporting import export
from .importing import from_torchvision
from .names import is_torchvision


def convert_file(
    path: Path,
    out: Path,
    classes: Sequence[str] | None = None,
    bn_eps: float | None = None,
    config: Path | None = None,
) -> str:
    """Write torchvision's weights as a checkpoint, or a model of this project for torchvision.

    Args:
        path: the weights; which way they go shows by their names.
        out: the ``.pth`` to write.
        classes, bn_eps: for weights of torchvision, see ``from_torchvision``.
        config: for a checkpoint that carries none, see ``export``.

    Returns:
        what was done, to print.

    Raises:
        FishdetError: see ``from_torchvision`` and ``export``.
    """
    checkpoint = load_checkpoint(path)
    if is_torchvision(checkpoint["state_dict"]):
        names = from_torchvision(path, out, classes, bn_eps)
        return f"{out}: a checkpoint of {len(names)} classes, with its config: {', '.join(names)}"
    script = export(path, out, config)
    return f"{out} and {script}: run them with torchvision alone: python {script} {out} PICTURE …"
