"""Registers the data sets and the transforms for water with mmdet, by being imported."""

from __future__ import annotations

from . import crops, dataset, transforms

__all__ = ["crops", "dataset", "transforms"]
