"""The detector: configs, training, evaluation and inference of fish on MMDetection.

Importing the package registers its parts with mmdet and puts ``tvops`` in place of compiled
operators, in this process and in every worker that imports it.
"""

from __future__ import annotations

from typing import Any

import fish_dataset  # noqa: F401  (first: it brings the operators that mmdet asks for on import)

from . import evaluation, hooks, models, resume  # noqa: F401
from .errors import FishdetError

__version__ = "0.1.0"
__all__ = ["Detector", "FishdetError", "__version__", "load_model"]


def __getattr__(name: str) -> Any:
    """Import what detects when it is asked for: training does not need the drawing libraries."""
    if name == "Detector":
        from .inference import Detector

        return Detector
    if name == "load_model":
        from .checkpoint.loading import load_model

        return load_model
    raise AttributeError(f"module 'fishdet' has no attribute {name!r}")
