"""The flags of ``tools/predict.py`` that name fish from a gallery."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from fish_dataset.files import file_sha256
from fishdet.errors import FishdetError


def add_identify_arguments(parser: Any) -> None:
    """Add ``--identify``, ``--gallery`` and ``--confidence`` to a parser or a group of one."""
    parser.add_argument(
        "--identify", metavar="MODEL", help="embedding network: name each fish from --gallery"
    )
    parser.add_argument("--gallery", type=Path, help="known species, as tools/species.py makes it")
    parser.add_argument(
        "--confidence", type=float, default=0.8, help="least probability of a claim (0.8)"
    )


def identifying(detector: Any, options: argparse.Namespace) -> Any:
    """Return the detector, or an ``Identifier`` around it where one was asked for.

    Raises:
        FishdetError: one of --identify and --gallery without the other; see ``Identifier``.
    """
    if (options.identify is None) != (options.gallery is None):
        missing = "--gallery FILE" if options.gallery is None else "--identify MODEL"
        raise FishdetError(f"to name fish from a gallery give {missing} too")
    if options.identify is None:
        return detector
    from .identifier import Identifier

    return Identifier(detector, options.identify, options.gallery, options.confidence, options.lang)


def identify_settings(options: argparse.Namespace) -> dict[str, Any]:
    """Return what results depend on, for a run that goes on; empty without identification."""
    if options.identify is None:
        return {}
    return {
        "identify": str(options.identify),
        "gallery": str(options.gallery),
        "gallery_sha256": file_sha256(options.gallery),
        "confidence": options.confidence,
    }
