"""The detector: configs, training, evaluation and inference of fish on MMDetection.

Importing the package is cheap. ``fishdet.registered`` registers its parts with mmdet: configs name
it in ``custom_imports``, and whatever builds from a config here imports it.
"""

from __future__ import annotations

from typing import Any

import fish_dataset  # noqa: F401  (whoever imports mmcv.ops from here on finds its operators)

from .errors import FishdetError

__version__ = "0.1.0"
__all__ = ["Detector", "FishdetError", "Identifier", "__version__", "load_model"]


def __getattr__(name: str) -> Any:
    """Import what detects when it is asked for: a list of models must not wait for PyTorch."""
    if name == "Detector":
        from .inference import Detector

        return Detector
    if name == "Identifier":
        from .identification.identifier import Identifier

        return Identifier
    if name == "load_model":
        from .checkpoint.loading import load_model

        return load_model
    raise AttributeError(f"module 'fishdet' has no attribute {name!r}")
