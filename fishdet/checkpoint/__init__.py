"""Checkpoints: what travels in them, and reading them without running their author's code."""

from __future__ import annotations

from .load import classes_of, config_of, load_checkpoint, load_state

__all__ = ["classes_of", "config_of", "load_checkpoint", "load_state"]
