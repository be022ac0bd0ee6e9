"""What stays of a benchmark in the repository: its records, without paths of the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fishdet
from fish_dataset.files import read_json, require_writable, write_json
from fishdet.errors import FishdetError

from .store import DONE, Record, records

KEPT = ("state", "seed", "truth", "digests", "train_images", "train_seconds", "peak_gib",
        "peak_gpu_gib", "checkpoint", "scores", "cost", "notes", "imported")  # fmt: skip
MODEL = ("name", "epochs", "img_scale", "precision", "cfg_options")
DATA = ("name", "split", "train_images", "files")
ENVIRONMENT = ("time", "commit", "precision", "python", "versions", "operators", "hardware")


def keep(out: Path, to: Path) -> int:
    """Write the records of all runs that are done into one JSON file, and return 0.

    Raises:
        FishdetError: no run is done, or the file cannot be written.
    """
    kept = [kept_of(record) for _, record in records(out) if record["state"] == DONE]
    if not kept:
        raise FishdetError(f"{out}: no run is done; tools/benchmark.py run SPEC --out {out}")
    require_writable(to.parent, "--to")
    write_json(to, {"runs": kept})
    print(f"{to}: {len(kept)} runs")
    return 0


def kept_of(record: Record) -> dict[str, Any]:
    """Return what others can read of a record: settings, digests, scores, cost, environment."""
    model, data = record["model"], record["data"]
    environment = record.get("environment") or {}
    return {
        "model": {"config": _in_repository(model.get("config")), **_some(model, MODEL)},
        "data": _some(data, DATA),
        **_some(record, KEPT),
        "environment": _some(environment, ENVIRONMENT),
    }


def read_kept(path: Path) -> list[Record]:
    """Return the records of a file that ``keep`` wrote.

    Raises:
        FishdetError: it is no such file.
    """
    try:
        return list(read_json(path)["runs"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FishdetError(
            f"{path}: no kept benchmark ({type(error).__name__}: {error}); "
            "tools/benchmark.py keep writes them"
        ) from error


def _some(values: Record, keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: values[key] for key in keys if values.get(key) is not None}


def _in_repository(config: str | None) -> str | None:
    """The config from the repository's root on, or its mere name."""
    if config is None:
        return None
    path, root = Path(config), Path(fishdet.__file__).resolve().parent.parent
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
