"""One fish a sample: crops of a detection data set, for networks that name species.

Importing this package registers :class:`FishCrops`, its transforms and its sampler with mmdet.
"""

from __future__ import annotations

from .dataset import FishCrops
from .sampler import ClassBalancedSampler
from .transforms import PackCrop, ResizeCrop
from .windows import cut, jittered

__all__ = ["ClassBalancedSampler", "FishCrops", "PackCrop", "ResizeCrop", "cut", "jittered"]
