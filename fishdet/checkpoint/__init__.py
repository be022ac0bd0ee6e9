"""Checkpoints: what travels in them, and reading them without running their author's code.

Importing the package is cheap; PyTorch comes with the functions that read tensors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .load import classes_of, config_of, load_checkpoint, load_state

__all__ = ["classes_of", "config_of", "load_checkpoint", "load_state"]


def __getattr__(name: str) -> Any:
    """Import what reads checkpoints when it is asked for."""
    if name in __all__:
        from . import load

        return getattr(load, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
