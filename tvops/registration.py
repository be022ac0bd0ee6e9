"""Decides whose operators ``mmcv.ops`` gets, and registers the stand-in where it is needed."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings

NAME = "mmcv._ext"
COMPILED = "compiled"
TORCHVISION = "torchvision"


def install() -> str:
    """Make ``mmcv._ext`` importable, without ever replacing a compiled one that works.

    Idempotent, and called when :mod:`tvops` is imported. A failed earlier import of ``mmcv.ops``
    does no harm: Python forgets modules whose import failed, so the next import succeeds.

    Returns:
        ``'compiled'`` where a real ``mmcv._ext`` is importable, else ``'torchvision'``.

    Warns:
        RuntimeWarning: a compiled ``mmcv._ext`` is there but cannot be loaded.
    """
    if NAME in sys.modules:
        return active()
    if not _is_present() or not _is_loadable():
        _register()
    return active()


def active() -> str:
    """Tell whose operators are in use: ``'compiled'`` or ``'torchvision'``."""
    from tvops import extension

    return TORCHVISION if sys.modules.get(NAME, extension) is extension else COMPILED


def _is_present() -> bool:
    """Whether some ``mmcv._ext`` can be found (importing the package ``mmcv`` on the way)."""
    try:
        return importlib.util.find_spec(NAME) is not None
    except ModuleNotFoundError as error:
        if error.name != "mmcv":
            raise
        return False


def _is_loadable() -> bool:
    """Import the ``mmcv._ext`` that was found; a broken one costs a warning, not the run."""
    try:
        importlib.import_module(NAME)
    except (ImportError, OSError) as error:
        warnings.warn(
            f"mmcv's compiled operators ({NAME}) are installed but cannot be loaded: {error}. "
            "torchvision's operators stand in for them. To use the compiled ones, rebuild mmcv "
            "against the installed torch; to silence this, install mmcv without them.",
            RuntimeWarning,
            stacklevel=4,
        )
        return False
    return True


def _register() -> None:
    from tvops import extension

    sys.modules[NAME] = extension
    if "mmcv" in sys.modules:
        sys.modules["mmcv"]._ext = extension  # type: ignore[attr-defined]
