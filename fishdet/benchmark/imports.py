"""``tools/benchmark.py import``: detections of any other detector into the same table."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from fish_dataset.files import file_sha256, replacing, require_writable, write_json
from fishdet.environment import git_commit
from fishdet.errors import FishdetError
from fishdet.evaluation.coco_form import write_results
from fishdet.evaluation.outside import read_outside

from .runs import split_of
from .scoring import notes_on, score
from .spec import NAME
from .store import DONE, PREDICTIONS, RECORD, SETTINGS, Record, keep_truth, records


@dataclass(frozen=True)
class ImportOptions:
    """The choices of ``tools/benchmark.py import``; each mirrors a flag."""

    predictions: Path
    out: Path
    name: str
    data: Path
    split: str = "val"
    data_name: str | None = None
    seed: int = 0
    box_form: Literal["xywh", "xyxy"] = "xywh"
    parameters: int | None = None
    gmacs: float | None = None
    latency_ms: float | None = None
    train_seconds: float | None = None
    note: str = ""
    config: Path | None = None
    commit: str | None = None
    replace: bool = False


def import_predictions(options: ImportOptions) -> int:
    """Check and score the detections of an outside detector, and put them beside the runs.

    Returns:
        0; what a reader must know (no detections, species without a box) is printed.

    Raises:
        FishdetError: predictions that cannot be scored (see ``read_outside``), a name that is
            taken or no name.
        FishDataError: the data folder is at fault.
    """
    data_name = options.data_name or options.data.resolve().name
    for flag, value in (("--name", options.name), ("--data-name", data_name)):
        if not NAME.fullmatch(value):
            raise FishdetError(
                f"{flag} {value!r}: letters, digits and . + - with single _ between, since a "
                "folder is named after it"
            )
    if options.config is not None and not options.config.is_file():
        raise FishdetError(f"--config {options.config}: no such file")
    require_writable(options.out, "--out")
    folder = options.out / "runs" / f"{data_name}__{options.name}__seed{options.seed}"
    if folder.exists() and not options.replace:
        raise FishdetError(f"{folder} is there already; give another --name, or --replace")
    split = split_of(options.data, options.split)
    found = read_outside(options.predictions, split.ann_file, box_form=options.box_form)
    settings = _record(options, data_name)
    record = dict(settings)
    record["truth"] = keep_truth(options.out, split.ann_file)
    _require_truth(options.out, data_name, record["truth"], folder.name)
    record["notes"] = _notes(options, notes_on(found.annotations, found.detections))
    record["scores"] = score(found.annotations, found.detections)
    with replacing(folder) as fresh:
        write_results(fresh / PREDICTIONS, found.annotations, found.detections, split.ann_file)
        shutil.copyfile(options.predictions, fresh / "as_given.json")
        write_json(fresh / SETTINGS, settings)
        write_json(fresh / RECORD, record)
    print(
        f"{folder.name}: {len(found.detections)} detections in {found.annotations.num_images} "
        f"images, mAP {record['scores']['bbox_mAP']:.3f}, "
        f"mAP@0.50 {record['scores']['bbox_mAP_50']:.3f}"
    )
    for note in record["notes"]:
        print(f"  note: {note}")
    return 0


def _record(options: ImportOptions, data_name: str) -> Record:
    cost: Record = {"parameters": options.parameters, "gmacs": options.gmacs}
    if options.latency_ms is not None:
        cost["latency"] = {"median_ms": options.latency_ms, "from": "as given"}
    config = {} if options.config is None else {"config": str(options.config.resolve())}
    return {
        "state": DONE,
        "imported": {
            "time": datetime.now().astimezone().isoformat(timespec="seconds"),
            "commit": git_commit(),
            "sha256": file_sha256(options.predictions),
        },
        "model": {"name": options.name, **config},
        "data": {"name": data_name, "path": str(options.data), "split": options.split},
        "seed": options.seed,
        "train_seconds": options.train_seconds,
        "cost": cost,
        **({"environment": {"commit": options.commit}} if options.commit else {}),
    }


def _notes(options: ImportOptions, found: list[str]) -> list[str]:
    return ["imported" + (f": {options.note}" if options.note else ""), *found]


def _require_truth(out: Path, data_name: str, truth: str, own: str) -> None:
    for folder, record in records(out):
        same = record["data"]["name"] == data_name and folder.name != own
        if same and record.get("truth", truth) != truth:
            raise FishdetError(
                f"{folder} is scored against another annotation file of the data set "
                f"{data_name!r}; give this one another --data-name, or the same --data"
            )
