"""What the error analysis of a checkpoint found: as much of ``errors.json`` as its card tells.

``tools/analysis/errors.py`` writes it. One that was made of another checkpoint is left out with a
note where it was found by itself, and refused where it was named.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fish_dataset.files import file_sha256
from fishdet.errors import FishdetError

from .measured import Note, read_object
from .weaknesses import KINDS, PARTS

ERRORS = "errors.json"
CONFUSIONS = 5


def read_errors(checkpoint: Path, place: Path | None = None) -> tuple[dict[str, Any] | None, Note]:
    """Return kinds of error with their costs, commonest confusions and parts, or None.

    Args:
        checkpoint: the file that is published.
        place: ``errors.json`` or its folder; by default the work dir, then ``errors/`` in it.

    Raises:
        FishdetError: ``place`` has none, or one of another model; a wrong field, by its name.
    """
    folder = checkpoint.parent
    places = [place] if place is not None else [folder, folder / "errors"]
    files = [path / ERRORS if path.is_dir() else path for path in places]
    path = next((file for file in files if file.is_file()), None)
    if path is None:
        if place is None:
            return None, ()
        raise FishdetError(f"--errors {place}: no {ERRORS}; tools/analysis/errors.py makes it")
    stored = read_object(path)
    source = stored.get("source")
    own = isinstance(source, Mapping) and source.get("sha256") == file_sha256(checkpoint)
    if not own:
        reason = f"{path} is not the analysis of {checkpoint.name}"
        if place is None:
            return None, (f"{reason}; it was left out",)
        raise FishdetError(
            f"{reason}; make it: python tools/analysis/errors.py {checkpoint} --data DIR --out "
            f"{folder / 'errors'}"
        )
    return _taken(path, stored), ()


def _taken(path: Path, stored: Mapping[str, Any]) -> dict[str, Any]:
    try:
        kinds = {
            name: {"count": int(stored["errors"][name]["count"]),
                   "dAP": _finite(stored["errors"][name]["dAP"])}
            for name in KINDS
        }  # fmt: skip
        commonest = stored["confusion"]["commonest"][:CONFUSIONS]
        return {
            **{key: int(stored[key]) for key in ("images", "boxes")},
            **{key: _finite(stored[key]) for key in ("AP50", "threshold")},
            "kinds": kinds,
            "confusions": [
                {"species": str(row["species"]), "taken_for": str(row["taken_for"]),
                 "times": int(row["times"])}
                for row in commonest
            ],
            "parts": {
                by: [_part(part) for part in stored["strata"][by]]
                for by in PARTS
                if by in stored["strata"]
            },
        }  # fmt: skip
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise FishdetError(
            f"{path}: no error analysis of this version ({type(error).__name__}: {error}); make it "
            "anew, or move the file away"
        ) from error


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    recall = part["recall"]
    return {
        "name": str(part["name"]),
        "boxes": int(part["boxes"]),
        "recall": None if recall is None else _finite(recall),
    }


def _finite(value: Any) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} is no finite number")
    return float(value)
