"""The error that a user can act on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

TRAINING_PACKAGES = frozenset(("torch", "torchvision", "mmcv", "mmengine", "mmdet", "timm"))
"""What an environment for exported models alone does not have (docs/export.md)."""


class FishdetError(Exception):
    """A user's mistake or a condition of the machine; the message is complete as it stands.

    It names the file, the field, the value and what to do. The tools print it without a
    traceback and exit with status 2.
    """


@contextmanager
def naming_absent(what: str) -> Iterator[None]:
    """Turn the import of a training package that is not there into a ``FishdetError``.

    Args:
        what: what needs it, as the message begins.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in TRAINING_PACKAGES:
            raise
        raise FishdetError(
            f"{what} needs {package}, which is not installed: pip install -e . brings it; without "
            "it only models that tools/export.py wrote run (docs/export.md)"
        ) from error
