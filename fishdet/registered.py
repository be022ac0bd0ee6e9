"""Registers all that this project adds to mmdet, by being imported.

Configs name this module in ``custom_imports``, so loader workers and mmdet's own tools have it.
"""

from __future__ import annotations

from fish_dataset import registered as data

from . import evaluation, hooks, models, resume
from .identification import registered as identification

__all__ = ["data", "evaluation", "hooks", "identification", "models", "resume"]
