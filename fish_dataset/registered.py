"""Registers the data sets, shards and the transforms for water with mmdet, by being imported."""

from __future__ import annotations

from . import crops, dataset, transforms
from .shards import order, storage

__all__ = ["crops", "dataset", "order", "storage", "transforms"]
