"""Everything about data: annotations, their checks, and the data set that mmdet reads.

Importing the package installs the operators that ``mmdet.datasets`` asks for (``tvops``, by way of
``mmdet_import``) and registers :class:`FishDataset` in ``mmdet.registry.DATASETS`` and
the transforms for water in ``mmdet.registry.TRANSFORMS``.
"""

from __future__ import annotations

from fish_dataset.annotations import Annotations
from fish_dataset.coco import coco_dict, read_classes, read_coco, write_coco
from fish_dataset.dataset import FishDataset
from fish_dataset.errors import FishDataError
from fish_dataset.findings import Finding
from fish_dataset.layout import Split, find_splits
from fish_dataset.strings import Strings
from fish_dataset.transforms import Caustics, CopyPasteFish, MarineSnow, WaterColumn

__all__ = [
    "Annotations",
    "Caustics",
    "CopyPasteFish",
    "Finding",
    "FishDataError",
    "FishDataset",
    "MarineSnow",
    "Split",
    "Strings",
    "WaterColumn",
    "coco_dict",
    "find_splits",
    "read_classes",
    "read_coco",
    "write_coco",
]
