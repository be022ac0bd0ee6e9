"""torch.compile of the parts of a detector that are nothing but convolutions."""

from __future__ import annotations

from torch import nn

from fishdet.errors import FishdetError

PARTS = ("backbone", "neck")
"""What follows these has sizes that depend on what is found, and would be compiled anew."""


def compile_parts(model: nn.Module) -> str:
    """Let backbone and neck be compiled at their first pictures of a size, in place.

    Parameters, their names and the state dict stay as they are. A new size is compiled again, the
    second time for all sizes to come, as torch does by itself: it takes a minute or so each.

    Args:
        model: a detector of mmdet.

    Returns:
        What was done, in words.

    Raises:
        FishdetError: the model has neither part.
    """
    parts = {name: getattr(model, name, None) for name in PARTS}
    found = {name: part for name, part in parts.items() if isinstance(part, nn.Module)}
    if not found:
        raise FishdetError(
            f"--compile: a {type(model).__name__} has neither {' nor '.join(PARTS)}; leave it out"
        )
    for part in found.values():
        part.compile()
    return f"{' and '.join(found)} compiled"
