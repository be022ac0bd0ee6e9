"""Registers the data set and the transforms for water with mmdet, by being imported."""

from __future__ import annotations

from . import dataset, transforms

__all__ = ["dataset", "transforms"]
