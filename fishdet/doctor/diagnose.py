"""All checks of one installation."""

from __future__ import annotations

from pathlib import Path

from .check import Check
from .machine import check_machine
from .packages import check_packages
from .probes import Ask, ask, check_imports


def diagnose(root: Path, ask: Ask = ask) -> list[Check]:
    """Return everything that is known about the installation of a checkout.

    Args:
        root: the checkout, with ``setup.cfg``.
        ask: runs Python code in a process of its own; replaced in tests.
    """
    return [*check_machine(root), *check_packages(root), *check_imports(root, ask)]
