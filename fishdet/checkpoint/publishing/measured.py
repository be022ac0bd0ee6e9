"""What was measured on a checkpoint after its training: calibration, and intervals of its figures.

``tools/analysis/calibrate.py`` leaves ``calibration.json`` in a work dir, an evaluation with
intervals ``evaluation.json`` (or the row of ``metrics.json``). Both are read where they are there,
and left out, with a note, where they belong to another checkpoint.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fish_dataset.files import read_json
from fishdet.errors import FishdetError

CALIBRATION, EVALUATION = "calibration.json", "evaluation.json"
Note = tuple[str, ...]
_SAME = 5e-5  # figures are recorded with four digits


def read_calibration(
    work_dir: Path, checkpoint: str, classes: Sequence[str]
) -> tuple[dict[str, Any], Note]:
    """Return ``temperature``, ``bias``, ``thresholds`` and ``fitted_on``, null where not known.

    Args:
        work_dir: folder of the checkpoint.
        checkpoint: the file's name; a calibration that was fitted on another is left out.
        classes: that thresholds may be named for.

    Raises:
        FishdetError: names file, field and value.
    """
    fields = ("temperature", "bias", "thresholds", "fitted_on")
    path = work_dir / CALIBRATION
    stored = read_object(path)
    fitted_on = stored.get("fitted_on")
    if fitted_on is not None and not isinstance(fitted_on, Mapping):
        raise _wrong(path, "fitted_on", fitted_on, "an object")
    other = (fitted_on or {}).get("checkpoint")
    if not stored or (other and other != checkpoint):
        note = (f"{path} is the calibration of {other}; it was left out",) if stored else ()
        return dict.fromkeys(fields), note
    temperature = _number(path, "temperature", stored.get("temperature"))
    if temperature is not None and temperature <= 0:
        raise _wrong(path, "temperature", temperature, "above 0")
    found = {
        "temperature": temperature,
        "bias": _number(path, "bias", stored.get("bias")),
        "thresholds": _thresholds(path, stored.get("thresholds"), classes),
        "fitted_on": dict(fitted_on) if fitted_on else None,
    }
    errors = {key: _number(path, key, stored[key]) for key in ("ece_before", "ece_after")
              if isinstance(stored.get(key), int | float)}  # fmt: skip
    return found | errors, ()


def read_intervals(
    work_dir: Path, totals: Mapping[str, Any]
) -> tuple[dict[str, list[float]] | None, Note]:
    """Return the intervals of ``evaluation.json`` as [low, high] by figure, or None.

    Args:
        work_dir: folder of the checkpoint.
        totals: its figures; an evaluation with another mAP is of another checkpoint or split.

    Raises:
        FishdetError: names file, field and value.
    """
    path = work_dir / EVALUATION
    stored = read_object(path)
    if stored.get("intervals") is None:
        return None, ()
    found = checked_intervals(path, stored["intervals"])
    own = totals.get("coco/bbox_mAP")
    theirs = _mapping(stored.get("totals")).get("bbox_mAP")
    same = isinstance(own, float) and isinstance(theirs, float) and abs(own - theirs) <= _SAME
    if not same:
        return None, (f"{path} gives mAP {theirs}, this checkpoint's is {own}: no intervals",)
    return found, ()


def checked_intervals(path: Path, value: Any) -> dict[str, list[float]]:
    """Return intervals by figure without the prefix ``coco/``.

    Raises:
        FishdetError: not an object of pairs of numbers, low and high.
    """
    if not isinstance(value, Mapping):
        raise _wrong(path, "intervals", value, "an object of [low, high]")
    found = {}
    for key, pair in value.items():
        two = isinstance(pair, list) and len(pair) == 2 and all(map(_finite, pair))
        if not two or pair[0] > pair[1]:
            raise _wrong(path, f"intervals.{key}", pair, "[low, high]")
        found[str(key).removeprefix("coco/")] = [float(number) for number in pair]
    return found


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object of a file, empty where there is no file.

    Raises:
        FishdetError: the file is no JSON object.
    """
    if not path.is_file():
        return {}
    try:
        value = read_json(path)
    except (ValueError, OSError) as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise FishdetError(f"{path}: no JSON: {error}; mend it or move it away") from error
    if not isinstance(value, dict):
        raise FishdetError(f"{path}: holds no JSON object; mend it or move it away")
    return value


def _thresholds(path: Path, value: Any, classes: Sequence[str]) -> dict[str, float] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise _wrong(path, "thresholds", value, "an object of a number a class")
    strange = sorted(set(value) - set(classes))
    if strange:
        raise _wrong(path, "thresholds", ", ".join(strange), f"of {', '.join(classes)}")
    for name, number in value.items():
        if not _finite(number) or not 0 <= number <= 1:
            raise _wrong(path, f"thresholds.{name}", number, "from 0 to 1")
    return {name: float(value[name]) for name in classes if name in value}


def _number(path: Path, field: str, value: Any) -> float | None:
    if value is not None and not _finite(value):
        raise _wrong(path, field, value, "a number")
    return None if value is None else float(value)


def _finite(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _wrong(path: Path, field: str, value: Any, wanted: str) -> FishdetError:
    return FishdetError(
        f"{path}: {field} {value!r:.100} should be {wanted}; measure anew, or move the file away"
    )
