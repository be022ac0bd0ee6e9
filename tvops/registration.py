"""Decides whose operators ``mmcv.ops`` gets, and finds the stand-in where it is needed."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType

NAME = "mmcv._ext"
COMPILED = "compiled"
TORCHVISION = "torchvision"


def install() -> None:
    """Make ``mmcv._ext`` importable, without ever replacing a compiled one that works.

    Idempotent, and called when :mod:`tvops` is imported. Nothing is imported before somebody asks
    for ``mmcv._ext``, so that programs which never do start at once. A failed earlier import of
    ``mmcv.ops`` does no harm: Python forgets modules whose import failed.
    """
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def active() -> str:
    """Tell whose operators are in use: ``'compiled'`` or ``'torchvision'``; imports them.

    Warns:
        RuntimeWarning: a compiled ``mmcv._ext`` is there but cannot be loaded.
    """
    from tvops import extension

    try:
        module = importlib.import_module(NAME)
    except ModuleNotFoundError as error:
        if error.name != "mmcv":
            raise
        return TORCHVISION
    return TORCHVISION if module is extension else COMPILED


class _Finder(MetaPathFinder):
    """Finds ``mmcv._ext`` and nothing else."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != NAME:
            return None
        compiled = PathFinder.find_spec(fullname, path)
        return spec_from_loader(fullname, _Loader(compiled))


class _Loader(Loader):
    """Loads the compiled operators where they were found and can be loaded, else the stand-in."""

    def __init__(self, compiled: ModuleSpec | None) -> None:
        self.compiled = compiled

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        if self.compiled is not None:
            try:
                return module_from_spec(self.compiled)
            except (ImportError, OSError) as error:
                _warn(error)
        return _stand_in()

    def exec_module(self, module: ModuleType) -> None:
        stand_in = sys.modules.get("tvops.extension")
        if module is stand_in:
            # Python has just written mmcv's name into the stand-in's specification.
            module.__spec__ = spec_from_loader("tvops.extension", None)
        elif self.compiled is not None and self.compiled.loader is not None:
            try:
                self.compiled.loader.exec_module(module)
            except (ImportError, OSError) as error:
                _warn(error)
                sys.modules[NAME] = _stand_in()


def _stand_in() -> ModuleType:
    from tvops import extension

    return extension


def _warn(error: Exception) -> None:
    warnings.warn(
        f"mmcv's compiled operators ({NAME}) are installed but cannot be loaded: {error}. "
        "torchvision's operators stand in for them. To use the compiled ones, rebuild mmcv "
        "against the installed torch; to silence this, install mmcv without them.",
        RuntimeWarning,
        stacklevel=2,
    )
