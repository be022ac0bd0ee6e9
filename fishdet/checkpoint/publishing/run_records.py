"""What a run's folder tells about a checkpoint in it: only what belongs to that checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from fish_dataset.coco import read_coco
from fish_dataset.files import file_sha256
from fish_dataset.layout import find_splits
from fishdet.errors import FishdetError

from ..papers import box_counts
from .measured import checked_intervals, read_intervals, read_object

_SPLIT_FACTS = ("sha256", "images", "boxes", "boxes_by_class")


@dataclass(frozen=True)
class RunRecords:
    """Records of the run; empty where there are none, with a note that says so.

    ``metrics`` is the evaluation of just this checkpoint, or None. ``environment`` is the run's
    environment.json, or empty.
    """

    metrics: dict[str, Any] | None
    environment: dict[str, Any]
    notes: tuple[str, ...]


def run_records(work_dir: Path, checkpoint: Mapping[str, Any]) -> RunRecords:
    """Read metrics.json and environment.json beside a checkpoint.

    The evaluation is the one at the checkpoint's own iteration; records of another run, to be
    seen by the digest of the training data, are left out.

    Raises:
        FishdetError: a file that is no JSON.
    """
    meta = checkpoint.get("meta") or {}
    digest = (meta.get("fishdet") or {}).get("data_digest")
    environment = read_object(work_dir / "environment.json")
    recorded = ((environment.get("data") or {}).get("train") or {}).get("sha256")
    if digest and recorded and digest != recorded:
        note = f"{work_dir} holds the records of a run on other data; they were left out"
        return RunRecords(None, {}, (note,))
    rows = read_object(work_dir / "metrics.json").get("val") or []
    row = next((row for row in reversed(rows) if row.get("iter") == meta.get("iter")), None)
    notes = []
    if row is None:
        notes.append(f"no evaluation of this checkpoint in {work_dir / 'metrics.json'}: no metrics")
    if not environment:
        notes.append(f"no {work_dir / 'environment.json'}: no versions, commit and command")
    metrics, more = _metrics(work_dir, row) if row else (None, ())
    return RunRecords(metrics, environment, (*notes, *more))


def recorded_splits(environment: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return digest, images and boxes by split, as the run recorded them."""
    data = environment.get("data") or {}
    return {
        split: {key: data[split][key] for key in _SPLIT_FACTS if key in data[split]}
        for split in ("train", "val", "test")
        if split in data
    }


def folder_splits(data_dir: Path, digest: str | None) -> dict[str, dict[str, Any]]:
    """Return digest, images, boxes and boxes by class of each split of a data set.

    Args:
        data_dir: the folder.
        digest: SHA-256 of the training file that the checkpoint was trained on, where known.

    Raises:
        FishDataError: the folder is not understood.
        FishdetError: its training file is another than the checkpoint's.
    """
    found = {}
    for split, files in find_splits(data_dir).items():
        annotations, _ = read_coco(files.ann_file, image_dir=files.image_dir, check_images=False)
        found[split] = {
            "sha256": file_sha256(Path(files.ann_file)),
            "images": int(annotations.num_images),
            **box_counts(annotations),
        }
    own = (found.get("train") or {}).get("sha256")
    if digest and own and own != digest:
        raise FishdetError(
            f"--data {data_dir}: its training file has the SHA-256 {own}, and the checkpoint was "
            f"trained on {digest}; give the folder that it was trained on"
        )
    return found


def dataset_name(environment: Mapping[str, Any]) -> str | None:
    """Return the name of the folder that the run trained on, or None."""
    path = ((environment.get("data") or {}).get("train") or {}).get("ann_file")
    if not path:
        return None
    folders = [part for part in PurePosixPath(path).parts[:-1] if part not in ("/", ".", "..")]
    while folders and folders[-1] in ("annotations", "train"):
        folders.pop()
    return folders[-1] if folders else None


def without_machine_paths(value: Any) -> Any:
    """Return nested data in which absolute paths are cut to their last part."""
    if isinstance(value, dict):
        return {key: without_machine_paths(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(without_machine_paths(item) for item in value)
    if not isinstance(value, str):
        return value
    option, equals, path = value.rpartition("=")
    if PurePosixPath(path).is_absolute():
        return option + equals + PurePosixPath(path).name
    if PureWindowsPath(path).is_absolute():
        return option + equals + PureWindowsPath(path).name
    return value


def _metrics(work_dir: Path, row: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the figures of a row of metrics.json, and notes; intervals are null where unknown."""
    known = ("epoch", "iter", "species", "intervals")
    totals = {key: value for key, value in row.items() if key not in known}
    metrics = {"split": "val", "epoch": row.get("epoch"), "iter": row.get("iter")}
    metrics |= {"totals": totals, "species": row.get("species") or []}
    if row.get("intervals") is not None:
        own = checked_intervals(work_dir / "metrics.json", row["intervals"])
        return metrics | {"intervals": own}, ()
    intervals, notes = read_intervals(work_dir, totals)
    return metrics | {"intervals": intervals}, notes
