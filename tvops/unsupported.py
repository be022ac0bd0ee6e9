"""Operators of mmcv that have no stand-in: they may be asked for, and say so when called."""

from __future__ import annotations

from typing import Any, NoReturn


class OperatorNotSupported(NotImplementedError):
    """An operator of mmcv was called that PyTorch and torchvision do not offer."""


class UnsupportedOperator:
    """A placeholder for one operator; picklable, and it raises only when it is called.

    mmcv asks for all of its operators while ``mmcv.ops`` is imported, long before anyone knows
    whether a model uses them, so the lookup has to succeed.
    """

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __repr__(self) -> str:
        return f"<mmcv operator {self.__name__!r}, not supported by tvops>"

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise :class:`OperatorNotSupported` with the operator's name and the remedies."""
        raise OperatorNotSupported(
            f"mmcv's operator '{self.__name__}' is not available: this installation of mmcv has "
            "no compiled operators, and PyTorch and torchvision have no equivalent of it. Install "
            "mmcv with compiled operators (set MMCV_WITH_OPS=1 and build it with a C++ compiler "
            "against the installed torch), or choose a config whose model does not use it."
        )
