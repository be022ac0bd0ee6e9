"""Everything about data: annotations, their checks, and the data set that mmdet reads.

Importing the package is cheap: it lets ``mmdet.datasets`` find the operators that it asks for
(``tvops``), and imports the rest by name when it is used. ``fish_dataset.registered`` registers
:class:`FishDataset` and the transforms for water with mmdet.
"""

from __future__ import annotations

import importlib
from typing import Any

import tvops  # noqa: F401  (whoever imports mmdet.datasets from here on finds its operators)

_HOMES = {
    "Annotations": "annotations",
    "Caustics": "transforms",
    "CopyPasteFish": "transforms",
    "Finding": "findings",
    "FishDataError": "errors",
    "FishDataset": "dataset",
    "MarineSnow": "transforms",
    "Split": "layout",
    "Strings": "strings",
    "WaterColumn": "transforms",
    "coco_dict": "coco",
    "find_splits": "layout",
    "read_classes": "coco",
    "read_coco": "coco",
    "write_coco": "coco",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    """Import what is asked for: looking at a folder must not wait for PyTorch."""
    if name in _HOMES:
        return getattr(importlib.import_module(f"fish_dataset.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'fish_dataset' has no attribute {name!r}")
