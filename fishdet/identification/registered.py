"""Registers the embedding network, its metric and its start with mmdet, by being imported."""

from __future__ import annotations

from . import metric, network, starting

__all__ = ["metric", "network", "starting"]
