"""Registers the data set, its shards and the transforms for water with mmdet, by being imported."""

from __future__ import annotations

from . import dataset, transforms
from .shards import order, storage

__all__ = ["dataset", "order", "storage", "transforms"]
