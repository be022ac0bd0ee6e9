"""Says what an installation lacks. Imports the standard library alone, relatively.

It must work where nothing else does, so no module in here imports torch, mmdet or the rest of
``fishdet``: what has to be imported to be judged is imported in a process of its own.
``tools/doctor.py`` loads this folder by its path, since ``import fishdet.doctor`` would first run
``fishdet/__init__.py`` and with it everything that may be broken.
"""

from __future__ import annotations

from .check import Check, can_run
from .diagnose import diagnose
from .render import as_json, as_text

__all__ = ["Check", "as_json", "as_text", "can_run", "diagnose"]
