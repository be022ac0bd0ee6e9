"""The built-in data set: underwater scenes drawn from a seed, with exact boxes.

It shows that the machinery works; it is no substitute for photos.
"""

from __future__ import annotations

from .dataset import ensure_dataset
from .scene import Scene, draw_scene
from .species import CLASSES

__all__ = ["CLASSES", "Scene", "draw_scene", "ensure_dataset"]
