"""Registers the embedding network and its metric with mmdet, by being imported."""

from __future__ import annotations

from . import metric, network

__all__ = ["metric", "network"]
