"""Training transforms for water, registered in ``mmdet.registry.TRANSFORMS`` on import.

``WaterColumn``, ``Caustics`` and ``MarineSnow`` change pixels and leave boxes alone;
``CopyPasteFish`` adds fish and their boxes. All take uint8 BGR pictures before normalisation.
"""

from __future__ import annotations

import tvops  # noqa: F401  (before mmdet, parts of which import mmcv.ops)

from .copy_paste import CopyPasteFish
from .particles import Caustics, MarineSnow
from .water_column import WaterColumn

__all__ = ["Caustics", "CopyPasteFish", "MarineSnow", "WaterColumn"]
